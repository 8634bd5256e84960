"""What a web search finds, and how the planner reads it.

Titles and snippets come from strangers. Each hit stays on one line of its own, whatever it holds,
so that no page can add a hit, a source or an instruction that looks like ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

NO_TITLE = "(no title)"


@dataclass(frozen=True)
class Hit:
    """A page, or a part of one; `text` is the snippet, `url` may be empty."""

    title: str
    url: str
    text: str = ""

    def record(self) -> dict[str, Any]:
        """The hit as JSON holds it; `Hit(**record)` gives it back."""
        return asdict(self)


def line(number: int, hit: Hit, characters: int = 1000) -> str:
    """`[1] title: text (url)`, with at most `characters` of text."""
    title = one_line(hit.title)[:200] or NO_TITLE
    text = one_line(hit.text)
    if len(text) > characters:
        text = text[:characters].rstrip() + " ..."
    said = f": {text}" if text else ""
    source = f" ({one_line(hit.url)})" if hit.url else ""
    return f"[{number}] {title}{said}{source}"


def lines(hits: Sequence[Hit], characters: int = 1000) -> str:
    """All hits, numbered from 1."""
    return "\n".join(line(number, hit, characters) for number, hit in enumerate(hits, 1))


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return " ".join(text.split())


@dataclass(frozen=True)
class SearchResult:
    """What a search engine that answers gives: its text, with `[1]`, and the sources in order."""

    text: str
    sources: list[Hit]

"""Texts of others made fit for the page: shown, never obeyed, and cut to what a page may weigh.

    fit = Fitting()
    fit(view)            # texts as `shown`; of a long one {"cut": ..., "chars": N, "at": [...]}
    piece(view, at, 0)   # the first part of the text that stands at `at`

What stands for a long text says where it stands in the whole view, so that a reader may ask for
the rest of it, portion by portion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import shown

ROOM = 200_000
"""Characters of one answer to the page; when they are used up, texts are cut shorter."""
LONG, SHORT = 4000, 300
"""Characters of a text that are sent at first, while there is room and after that."""
PIECE = 100_000
"""Characters that one request for more brings."""
TOKENS, MORE_TOKENS = 300, 3000
"""Tokens of a reply that are sent at first, and by a request for more."""

Place = tuple[str | int, ...]


class Tokens(list[Any]):
    """A reply's tokens: text and log-probability of each; cut like a text."""


class Fitting:
    """Makes the data of one answer fit; `room` is in characters."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room

    def __call__(self, value: Any, at: Place = ()) -> Any:
        """`value` as the page may have it; `at` is where it stands in the whole view."""
        match value:
            case str():
                return self._text(value, at)
            case Tokens():
                return self._tokens(value, at)
            case Mapping():
                return {shown(str(key)): self(one, (*at, key)) for key, one in value.items()}
            case list() | tuple():
                return [self(one, (*at, place)) for place, one in enumerate(value)]
            case _:
                self.room -= 8
                return value

    def _text(self, text: str, at: Place) -> Any:
        most = LONG if self.room > 0 else SHORT
        self.room -= min(len(text), most)
        if len(text) <= most:
            return shown(text)
        return {"cut": shown(text[:most]), "next": most, "chars": len(text), "at": at}

    def _tokens(self, tokens: Tokens, at: Place) -> Any:
        most = TOKENS if self.room > 0 else 0
        first = [[shown(text), *rest] for text, *rest in tokens[:most]]
        self.room -= 20 * len(first)
        return {"tokens": first, "next": most, "count": len(tokens), "at": at}


def piece(view: Any, at: Sequence[Any], start: int) -> dict[str, Any]:
    """A portion of a text, or of a reply's tokens, that was cut; `next` is 0 at its end.

    Raises:
        SettingError: there is none at this place.
    """
    value = view
    try:
        for step in at:
            value = value[step]
    except (LookupError, TypeError):
        value = None
    if isinstance(value, Tokens):
        part, end = value[start : start + MORE_TOKENS], start + MORE_TOKENS
        told: Any = [[shown(text), *rest] for text, *rest in part]
    elif isinstance(value, str):
        told, end = shown(value[start : start + PIECE]), start + PIECE
    else:
        raise SettingError(f"there is no text at {list(at)}; open the run again")
    return {"part": told, "next": end if end < len(value) else 0}


def written(value: Any) -> str:
    """Plain data as text to be read: JSON with its numbers as they are; a text as it is."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        return "(nested too deep to be shown)"

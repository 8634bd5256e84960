"""Passages out of whole articles: cut them into pieces, keep those that fit the query.

    passages = await best("mayor of Old Harbor", articles, top_k=3)

A search engine says which articles fit; an article can be 60,000 characters long and the planner
reads some 3,000. Pieces are ranked against the query by BM25 (`tools.wiki.corpus.Index`), over all
articles together; an article whose title is the query comes first, with its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tools.outcomes.threads import in_thread
from tools.wiki.corpus import Index, words
from tools.wiki.passage import Passage

SIZE = 100
"""Words of a passage at most: that of the DPR and Search-R1 corpora (arXiv 2004.04906)."""
MOST = 2000
"""Passages ranked at most; what comes after them in the order of the engine is left out."""

_BREAK = re.compile(r"\n+")
_SENTENCE = re.compile(r"(?<=[.!?…。])\s+")
_HEADING = re.compile(r"^=+\s*(.*?)\s*=+$")


async def best(query: str, articles: Sequence[Passage], top_k: int) -> list[Passage]:
    """The `top_k` passages of `articles` that fit `query` best.

    Where no piece shares a word with the query (an engine also finds by synonym or redirect), the
    beginnings of the articles, in their order.
    """
    return await in_thread(_best, query, articles, top_k)


def _best(query: str, articles: Sequence[Passage], top_k: int) -> list[Passage]:
    pieces = [piece for article in articles for piece in split(article)][:MOST]
    if not pieces:
        return []
    found = Index(pieces).search(query, top_k)
    firsts = {piece.title: piece for piece in reversed(pieces)}
    openings = [firsts[title] for title in dict.fromkeys(piece.title for piece in pieces)]
    return (found or openings)[:top_k]


def split(article: Passage, size: int = SIZE) -> list[Passage]:
    """Pieces of at most `size` words, cut between paragraphs, else sentences, else words."""
    return [
        Passage(article.title, text, article.url)
        for text in _packed(_parts(article.text, size), size)
        if words(text)
    ]


def _parts(text: str, size: int) -> Iterator[str]:
    """Paragraphs, the long ones in sentences, those in words; headings of a wiki are left out."""
    for paragraph in _BREAK.split(text):
        if not paragraph.strip() or _HEADING.match(paragraph.strip()):
            continue
        if len(paragraph.split()) <= size:
            yield paragraph
            continue
        for sentence in _SENTENCE.split(paragraph):
            tokens = sentence.split()
            for start in range(0, len(tokens), size):
                yield " ".join(tokens[start : start + size])


def _packed(parts: Iterable[str], size: int) -> Iterator[str]:
    held: list[str] = []
    for part in parts:
        tokens = part.split()
        if held and len(held) + len(tokens) > size:
            yield " ".join(held)
            held = []
        held += tokens
    if held:
        yield " ".join(held)

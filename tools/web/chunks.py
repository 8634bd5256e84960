"""The parts of a page that bear on a question.

    chunks = split(page.text)                           # 200 words each, 20 shared with the next
    best = await rank(question, chunks, top_k=3)        # by BM25, or by `embeddings`

The sizes are those of AgentFlow's Web Search (arXiv 2510.05592, section 4), which embeds every
chunk; BM25 ranks the 112 chunks of a page of 20,000 words in 10 ms and needs no service.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
from langchain_core.embeddings import Embeddings

from tools.outcomes.threads import in_thread
from tools.services.faults import RemoteFault
from tools.wiki.bm25 import bm25_index

WORDS, OVERLAP = 200, 20
MOST = 1000
"""Chunks of one page that are ranked; a page of more than 180,000 words is cut there."""
BATCH = 64
"""Chunks sent to an embeddings service at once."""

_WORD = re.compile(r"\w+")
_SPAN = re.compile(r"\S+")


def split(text: str, words: int = WORDS, overlap: int = OVERLAP) -> list[str]:
    """`text` in pieces of `words` words, each starting with the last `overlap` of the one before.

    White space inside a piece stays as it is. Words are what white space separates; one longer
    than 100 characters counts as several, so that text without spaces is split too.
    """
    step = words - overlap
    pieces = (piece for match in _SPAN.finditer(text) for piece in _pieces(*match.span()))
    spans = list(islice(pieces, MOST * step + overlap))
    starts = range(0, max(1, len(spans) - overlap), step)
    parts = [spans[start : start + words] for start in starts if spans]
    return [text[part[0][0] : part[-1][1]] for part in parts]


def _pieces(start: int, end: int, longest: int = 100) -> list[tuple[int, int]]:
    return [(at, min(at + longest, end)) for at in range(start, end, longest)]


async def rank(
    query: str, chunks: Sequence[str], top_k: int, embeddings: Embeddings | None = None
) -> list[str]:
    """The `top_k` chunks that fit the query best, best first.

    Where no chunk shares a word with the query, or all fit alike, those that come first.

    Raises:
        RemoteFault: the embeddings service gives none.
    """
    if len(chunks) <= 1:
        return list(chunks)
    if embeddings is None:
        scores = await in_thread(bm25, query, chunks)
    else:
        scores = await _cosine(query, chunks, embeddings)
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [chunks[int(number)] for number in order]


def bm25(query: str, chunks: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """BM25 of each chunk; shape (len(chunks),)."""
    tokens = [_WORD.findall(chunk.casefold()) for chunk in chunks]
    vocabulary = {word for chunk in tokens for word in chunk}
    known = [word for word in _WORD.findall(query.casefold()) if word in vocabulary]
    if not known:
        return np.zeros(len(chunks), dtype=np.float32)
    return np.asarray(bm25_index(tokens).get_scores(known), dtype=np.float32)


async def _cosine(
    query: str, chunks: Sequence[str], embeddings: Embeddings
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    try:
        query_vector = np.asarray(await embeddings.aembed_query(query), dtype=np.float32)
        rows: list[list[float]] = []
        for start in range(0, len(chunks), BATCH):
            rows += await embeddings.aembed_documents(list(chunks[start : start + BATCH]))
        vectors = np.asarray(rows, dtype=np.float32)
        if vectors.shape != (len(chunks), len(query_vector)):
            raise ValueError(f"shape {vectors.shape}, not {(len(chunks), len(query_vector))}")
    except RemoteFault:
        raise
    except Exception as fault:
        # Every provider of LangChain raises errors of its own, some with the key in their text.
        text = f"the embeddings model failed ({type(fault).__name__}): check the setting"
        raise RemoteFault(f"{text} `embeddings`, or leave it out to rank by words") from fault
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query_vector)
    return np.asarray(vectors @ query_vector / np.maximum(norms, 1e-12), dtype=np.float32)

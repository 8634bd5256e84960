"""BM25 (Robertson & Zaragoza 2009) by the library bm25s, which loads when first needed.

    index = bm25_index([["old", "harbor"], ["new", "harbor"]])
    index.get_scores(["old"])      # of each text; every word asked for must be known

Weights are the defaults of bm25s: k1 1.5, b 0.75, Lucene.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Any


def bm25_index(texts: Sequence[Sequence[str]]) -> Any:
    """The `bm25s.BM25` over texts that are cut into words."""
    module = import_module("bm25s")
    # It sets its own logger to DEBUG, so every program with a log would show it.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    scorer = module.BM25(backend="numpy")
    scorer.index(texts, show_progress=False)
    return scorer

"""Open questions: exact match and word overlap."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.rules.answer import Score, exact


def words(golds: Sequence[str], reply: str) -> Score:
    """`value` 1.0 if the answer is one of `golds` in words; `f1` the best overlap of words."""
    return exact(golds, reply)

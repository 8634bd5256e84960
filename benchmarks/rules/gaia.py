"""GAIA's quasi-exact match."""

from __future__ import annotations

from benchmarks.rules.answer import Score, exact


def gaia(gold: str, reply: str) -> Score:
    """1.0 if the answer is `gold` by GAIA's rule."""
    return exact(gold, reply)

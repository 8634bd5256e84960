"""Trials in which a search found the benchmark's own item, and what accuracy is without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.numbers.result import Result


@dataclass(frozen=True)
class Leaked:
    """Of one task, among the trials that have a score."""

    trials: int
    """With a call that found the item."""
    right: int
    others: int
    others_right: int


def leaked(results: Sequence[Result]) -> Leaked | None:
    """What leaked in the trials of a task; None if nothing did."""
    scored = [each for each in results if each.score is not None]
    found = [each for each in scored if each.leaks]
    if not found:
        return None
    right = sum(bool(each.score) for each in found)
    others_right = sum(bool(each.score) for each in scored) - right
    return Leaked(len(found), right, len(scored) - len(found), others_right)

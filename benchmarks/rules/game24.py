"""Game of 24, by exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.rules.answer import Score, extract_answer


def game24(numbers: Sequence[int], reply: str, target: int = 24) -> Score:
    """1.0 if the answer is an expression of `target` with each of `numbers` once."""
    answer, rule = extract_answer(reply)
    return Score(0.0, answer, rule)

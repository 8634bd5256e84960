"""A question to be answered in training or in an evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One question with every answer that counts as right.

    `scorer` names the rule of `benchmarks.scoring.scorers` that compares them with a reply.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    level: str = ""
    scorer: str = "exact"

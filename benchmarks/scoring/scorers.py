r"""Scorers: plain functions from gold answers and a reply to a `Score`, without any framework.

    exact("1234", "So it is <answer>1,234.0</answer>")
    # Score(value=1.0, answer="1,234.0", rule="answer_tag")

The benchmark runner and the trainer's reward call the same functions. A scorer takes the whole
reply and finds the answer itself. It never raises for what a model wrote; it raises `ValueError`
for a gold answer that nobody could meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from benchmarks.scoring.rules.answer import (
    Extraction,
    Rule,
    Score,
    exact,
    extract_answer,
    normalise,
)
from benchmarks.scoring.rules.choice import choice
from benchmarks.scoring.rules.gaia import gaia
from benchmarks.scoring.rules.game24 import game24
from benchmarks.scoring.rules.maths import maths, maths_async
from benchmarks.scoring.rules.words import words

__all__ = [
    "SCORERS",
    "Extraction",
    "Rule",
    "Score",
    "Scorer",
    "choice",
    "exact",
    "extract_answer",
    "gaia",
    "game24",
    "maths",
    "maths_async",
    "normalise",
    "words",
]

Scorer = Callable[[Sequence[str], str], Score]
"""From every right answer and the whole reply to a score."""


def _gaia_any(golds: Sequence[str], reply: str) -> Score:
    if not golds:
        raise ValueError("there is no gold answer: repair the data set or leave this question out")
    scores = [gaia(gold, reply) for gold in golds]
    return max(scores, key=lambda score: score.value)


SCORERS: Mapping[str, Scorer] = MappingProxyType(
    {"exact": exact, "words": words, "maths": maths, "gaia": _gaia_any}
)
"""The rules that need nothing but gold answers, by the name that settings use."""

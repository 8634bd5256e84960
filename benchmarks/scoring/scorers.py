r"""Scorers: plain functions from gold answers and a reply to a `Score`, without any framework.

    exact("1234", "So it is <answer>1,234.0</answer>")
    # Score(value=1.0, answer="1,234.0", rule="answer_tag")

The benchmark runner and the trainer's reward call the same functions. A scorer compares what the
one reader (`agentflow_graph.replies.answer`) finds in a reply, and sees nothing else of it. Who has
read a reply already gives the `Answer` in its place. It never raises for what a model wrote; it
raises `ValueError` for a gold answer that nobody could meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from agentflow_graph.replies.answer import Answer, read_answer
from benchmarks.scoring.rules.answer import Reply, Score, exact, normalise, reading
from benchmarks.scoring.rules.choice import choice
from benchmarks.scoring.rules.gaia import gaia
from benchmarks.scoring.rules.game24 import game24
from benchmarks.scoring.rules.maths import maths, maths_async
from benchmarks.scoring.rules.words import words

__all__ = [
    "SCORERS",
    "Answer",
    "Reply",
    "Score",
    "Scorer",
    "choice",
    "exact",
    "gaia",
    "game24",
    "maths",
    "maths_async",
    "normalise",
    "reading",
    "read_answer",
    "words",
]

Scorer = Callable[[Sequence[str], Reply], Score]
"""From every right answer, and the whole reply or what was read from it, to a score."""


def _gaia_any(golds: Sequence[str], reply: Reply) -> Score:
    if not golds:
        raise ValueError("there is no gold answer: repair the data set or leave this question out")
    answer = reading(reply)
    scores = [gaia(gold, answer) for gold in golds]
    return max(scores, key=lambda score: score.value)


SCORERS: Mapping[str, Scorer] = MappingProxyType(
    {"exact": exact, "words": words, "maths": maths, "gaia": _gaia_any}
)
"""The rules that need nothing but gold answers, by the name that settings use."""

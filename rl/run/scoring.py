"""Who scored a step's runs, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from rl.rollout import Trajectory

SCORING_KEYS = ("unscored", "judged", "judge_tokens", "scoring_seconds")
"""Names of `scoring`'s figures."""


def scoring(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """What grading some runs came to.

    `unscored` counts finished runs without a reward; `judged` is the share of the others that a
    judge decided; `judge_tokens` are those of all its calls; `scoring_seconds` is a run's mean.
    """
    grades = [t.grade for t in trajectories if t.grade]
    decided = [grade for grade in grades if not grade.failure]
    judged = sum(grade.by == "judge" for grade in decided)
    return {
        "unscored": len(grades) - len(decided),
        "judged": judged / len(decided) if decided else 0.0,
        "judge_tokens": sum(grade.tokens for grade in grades),
        "scoring_seconds": fmean(grade.seconds for grade in grades) if grades else 0.0,
    }

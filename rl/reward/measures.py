"""Who scored a step's runs, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rl.rollout import Trajectory

SCORING_KEYS = ("unscored", "judged", "scoring_seconds")
"""Names of `scoring`'s figures."""


def scoring(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Finished runs left unscored, the share of the others that a judge decided, mean seconds."""
    grades = [t.grade for t in trajectories if t.grade]
    decided = [grade for grade in grades if not grade.failure]
    judged = sum(grade.by == "judge" for grade in decided)
    return {
        "unscored": len(grades) - len(decided),
        "judged": judged / len(decided) if decided else 0.0,
        "scoring_seconds": fmean(grade.seconds for grade in grades) if grades else 0.0,
    }

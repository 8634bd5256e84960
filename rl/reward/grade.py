"""What a finished run is worth, who said so and what asking cost."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agentflow_graph.errors import Fault
from agentflow_graph.state import Cost

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


OPTIONAL = ("parts", "turns")
"""Fields that the record has only where they hold something."""


@dataclass(frozen=True)
class Grade:
    """`value` in 0..1, or None and the reason in `failure`: the run is unscored, not wrong."""

    value: float | None
    by: str
    """`rule:NAME`, `judge`, `function:PATH`, or those of the parts by name."""
    failure: str = ""
    fault: Fault = ""
    """Of the failure: `judge`, or `world` where whoever grades was away and may be asked again."""
    reason: str = ""
    """What the judge gave as its reason."""
    asked: int = 0
    """Answers put to the judge."""
    tokens: int = 0
    """What the judge read and wrote, as its server counts."""
    spent: dict[str, float] = field(default_factory=dict)
    """The same by kind, as an entry of a run's usage."""
    cost: Cost = field(default_factory=lambda: Cost(of="", dollars=None))
    """Who the judge is, and what it cost."""
    seconds: float = 0.0
    """Time that the judge or the function took."""
    parts: dict[str, float | None] = field(default_factory=dict)
    """What the value was summed from, by name; None of a part without weight that had no value."""
    turns: tuple[float, ...] = ()
    """Rewards of the planner's turns, one each; empty where none are given."""

    def record(self) -> dict[str, Any]:
        """As plain data, for the record; value and failure are the trajectory's own."""
        hidden = {"value", "failure", "fault"} | {n for n in OPTIONAL if not getattr(self, n)}
        return {name: value for name, value in asdict(self).items() if name not in hidden}

    @classmethod
    def from_event(cls, trajectory: dict[str, Any]) -> Grade:
        """The grade in the record of a trajectory."""
        names = ("failure", "fault") if trajectory["failure"] else ()
        told = {name: trajectory[name] for name in names}
        known = trajectory["grade"]
        return cls(trajectory["reward"], **told, **known | {"turns": tuple(known.get("turns", ()))})


Reward = Callable[["Task", "State"], Awaitable[Grade]]
"""Grades a finished run; never raises for what a model wrote or a server did."""


def graded(
    value: object, by: str, seconds: float = 0.0, weights: Mapping[str, float] | None = None
) -> Grade:
    """The grade of a value that someone else's code returned; unscored unless it is in 0..1.

    Of a mapping each value is a part, and the grade their sum by `weights`; without, their mean.
    """
    if isinstance(value, Mapping):
        return _graded_parts(value, by, seconds, weights or {})
    failure = fault(value)
    if weights and not failure:
        failure = f"it returned {value!r:.80} where reward.weights names {', '.join(weights)}"
    number = None if failure else float(value)  # type: ignore[arg-type]
    if failure:
        return Grade(None, by, f"{by}: {failure}", "judge", seconds=seconds)
    return Grade(number, by, seconds=seconds)


def _graded_parts(
    values: Mapping[Any, Any], by: str, seconds: float, weights: Mapping[str, float]
) -> Grade:
    failure = _fault_of_parts(values, weights)
    if failure:
        return Grade(None, by, f"{by}: {failure}", "judge", seconds=seconds)
    parts: dict[str, float | None] = {name: float(value) for name, value in values.items()}
    alike = dict.fromkeys(parts, 1 / len(parts))
    return Grade(summed(parts, weights or alike), by, seconds=seconds, parts=parts)


def _fault_of_parts(values: Mapping[Any, Any], weights: Mapping[str, float]) -> str:
    """Why these are no parts of a reward; empty if they are."""
    if not values or not all(isinstance(name, str) for name in values):
        return f"it returned {values!r:.80}; return parts by name, at least one"
    if weights and set(values) != set(weights):
        have, want = ", ".join(sorted(values)), ", ".join(sorted(weights))
        return f"it returned the parts {have} where reward.weights names {want}; let them be alike"
    wrong = ((name, why) for name, value in values.items() if (why := fault(value)))
    return next((f"of the part {name!r}, {why}" for name, why in wrong), "")


def summed(parts: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    """The sum of parts by weight, in 0..1; a part of weight 0 may have no value."""
    return min(1.0, math.fsum(weights[name] * (value or 0.0) for name, value in parts.items()))


def fault(value: object) -> str:
    """Why `value` is no reward; empty if it is one."""
    if value is None:
        return "it left the run unscored (None)"
    if not isinstance(value, int | float):
        return f"it returned {value!r:.80} ({type(value).__name__}); return a float in 0..1 or None"
    if not math.isfinite(value):
        return f"it returned {value}; return a finite number in 0..1, or None to leave it unscored"
    if not 0 <= value <= 1:
        return f"it returned {value!r:.40}, outside 0..1; scale the rewards into 0..1"
    return ""

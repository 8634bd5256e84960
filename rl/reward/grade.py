"""What a finished run is worth, who said so and what asking cost."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agentflow_graph.errors import Fault
from agentflow_graph.state import Cost

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


@dataclass(frozen=True)
class Grade:
    """`value` in 0..1, or None and the reason in `failure`: the run is unscored, not wrong."""

    value: float | None
    by: str
    """`rule:NAME`, `judge` or `function:PATH`."""
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

    def record(self) -> dict[str, Any]:
        """As plain data, for the record; value and failure are the trajectory's own."""
        hidden = ("value", "failure", "fault")
        return {name: value for name, value in asdict(self).items() if name not in hidden}

    @classmethod
    def from_event(cls, trajectory: dict[str, Any]) -> Grade:
        """The grade in the record of a trajectory."""
        names = ("failure", "fault") if trajectory["failure"] else ()
        told = {name: trajectory[name] for name in names}
        return cls(trajectory["reward"], **told, **trajectory["grade"])


Reward = Callable[["Task", "State"], Awaitable[Grade]]
"""Grades a finished run; never raises for what a model wrote or a server did."""


def graded(value: object, by: str, seconds: float = 0.0) -> Grade:
    """The grade of a value that someone else's code returned; unscored unless it is in 0..1."""
    failure = fault(value)
    number = None if failure else float(value)  # type: ignore[arg-type]
    if failure:
        return Grade(None, by, f"{by}: {failure}", "judge", seconds=seconds)
    return Grade(number, by, seconds=seconds)


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

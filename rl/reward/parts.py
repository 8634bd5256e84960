"""A reward of parts: each graded by itself, summed by weight, all of them on record.

    reward.parts.right.kind=rule  reward.parts.right.weight=0.9
    reward.parts.brief.kind=my_package.rewards:brief  reward.parts.brief.weight=0.1

A run of which a part that weighs something has no value has no reward. A part of weight 0 is
measured alone, and may have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agentflow_graph.errors import Fault
from rl.reward.grade import Grade, Reward, summed

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


def by_parts(parts: Mapping[str, Reward], weights: Mapping[str, float]) -> Reward:
    """The sum of what each of `parts` gives a run, by its weight.

    They are asked one after the other: a judge's calls are on record by their number.
    """

    async def reward(task: Task, state: State) -> Grade:
        return together({name: await part(task, state) for name, part in parts.items()}, weights)

    return reward


def together(grades: Mapping[str, Grade], weights: Mapping[str, float]) -> Grade:
    """The grade of a run from those of its parts."""
    lacking = {name: grade for name, grade in grades.items() if grade.failure and weights[name]}
    values: dict[str, float | None] = {name: grade.value for name, grade in grades.items()}
    return Grade(
        None if lacking else summed(values, weights),
        ", ".join(f"{name}={grade.by}" for name, grade in grades.items()),
        "; ".join(f"part {name}: {grade.failure}" for name, grade in lacking.items()),
        _fault(lacking),
        "; ".join(f"{name}: {grade.reason}" for name, grade in grades.items() if grade.reason),
        asked=sum(grade.asked for grade in grades.values()),
        tokens=sum(grade.tokens for grade in grades.values()),
        seconds=sum(grade.seconds for grade in grades.values()),
        parts=values | _inner(grades),
    )


def _fault(lacking: Mapping[str, Grade]) -> Fault:
    """Of several the world's: the run may be graded once it is back."""
    faults = {grade.fault for grade in lacking.values()}
    return "world" if "world" in faults else next(iter(faults), "")


def _inner(grades: Mapping[str, Grade]) -> dict[str, float | None]:
    """Parts of the parts, which weigh in those."""
    return {
        f"{name}/{part}": value
        for name, grade in grades.items()
        for part, value in grade.parts.items()
    }

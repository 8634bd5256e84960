"""By rule: the benchmarks' own scorers, named by each question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentflow_graph.errors import SettingError, closest
from benchmarks.scoring import exact
from rl.reward.grade import Grade, graded

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.rollout import Task

SCORERS = {"exact": exact}
SLOW = ("maths",)
"""Scorers that wait for a process: not on the event loop, where every run of a worker waits."""


async def by_rule(task: Task, state: State) -> Grade:
    """What `benchmarks.scoring` says of the answer, by the rule that the question names."""
    score, by = SCORERS[task.scorer], f"rule:{task.scorer}"
    try:
        if task.scorer in SLOW:
            found = await asyncio.to_thread(score, task.answers, state["answer"])
        else:
            found = score(task.answers, state["answer"])
    except ValueError as error:  # a gold answer that nobody could meet
        return Grade(None, by, f"{by}: {error}")
    return graded(found.value, by)


def known_scorer(name: str, where: str) -> str:
    """`name`, if it is a rule of the benchmarks.

    Args:
        name: of a rule.
        where: it was read, for the message: a file and a line.

    Raises:
        SettingError: there is no such rule; names those that there are.
    """
    if name not in SCORERS:
        near, known = closest(name, SCORERS), ", ".join(SCORERS)
        raise SettingError(f"{where} has scorer={name!r}{near}; choose one of: {known}")
    return name

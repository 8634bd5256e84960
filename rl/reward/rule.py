"""By rule: the benchmarks' own scorers, named by each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scoring.scorers import SCORERS, maths_async
from rl.reward.grade import Grade, graded

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


async def by_rule(task: Task, state: State) -> Grade:
    """What `benchmarks.scoring.scorers` says of the answer, by the rule that the question names."""
    by, answer = f"rule:{task.scorer}", state["answer"]
    try:
        if task.scorer == "maths":  # waits for a process: not on the loop that every run shares
            found = await maths_async(task.answers, answer)
        else:
            found = SCORERS[task.scorer](task.answers, answer)
    except Exception as error:  # such as a gold answer that nobody could meet
        return Grade(None, by, f"{by}: {type(error).__name__}: {error}", "judge")
    return graded(found.value, by)

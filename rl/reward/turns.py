"""Rewards of single planner turns, by a function of the user's own, beside that of the run.

    # my_package/rewards.py, with reward.turns=my_package.rewards:useful
    def useful(task: Task, state: State) -> list[float]:
        return [float(call_worked(turn)) for turn in state["turns"]]

One finite number for each of `state["turns"]`; of any size, for a turn is compared with the turns
at its place in the other runs of the question (`rl.flow_grpo.turn_advantages`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rl.reward.function import asked, imported
from rl.reward.grade import Grade, Reward

if TYPE_CHECKING:
    from agentflow_graph.state import State
    from rl.reward.task import Task


def with_turns(reward: Reward, path: str, seconds: float) -> Reward:
    """`reward`, and with it what the function at `path` gives each turn within `seconds` a run.

    A run that has no reward, or no numbers for its turns, is unscored.

    Raises:
        SettingError: it cannot be imported, or takes other arguments than (task, state).
    """
    function = imported(path, "reward.turns")
    by = f"turns:{path}"

    async def both(task: Task, state: State) -> Grade:
        grade = await reward(task, state)
        if grade.failure:
            return grade
        values, failed = await asked(function, by, seconds, task, state)
        why = failed.failure if failed else _wrong(by, values, len(state["turns"]))
        if why:
            return replace(
                grade, value=None, failure=why, fault=failed.fault if failed else "judge"
            )
        return replace(grade, turns=tuple(map(float, values)))

    return both


def _wrong(by: str, values: object, turns: int) -> str:
    """Why these are no rewards of `turns` turns; empty if they are."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != turns:
        return f"{by}: it returned {values!r:.80}; return a list of {turns} numbers, one a turn"
    if wrong := [value for value in values if not _is_number(value)]:
        return f"{by}: it returned {wrong[0]!r:.80} for a turn; return finite numbers"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)

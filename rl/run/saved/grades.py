"""Rewards of recorded runs anew: by rule, or of a judge by what it said on record.

A reward that is a function of somebody's is called only where its author is trusted: to import it
is to run code that a run names.
"""

from __future__ import annotations

from typing import cast

from agentflow_graph.nodes.resources import Chat
from agentflow_graph.record import Scope
from agentflow_graph.record.reading import RecordedRun
from agentflow_graph.record.replay import Replay
from agentflow_graph.record.run import on_behalf_of
from agentflow_graph.state import State
from benchmarks.scoring.judge import Judge
from rl.reward import Reward, by_rule, reward_of
from rl.reward.judge import by_judge, rule_first
from rl.reward.task import Task
from rl.settings.reward import RewardSettings


def recalled(settings: RewardSettings, trusted: bool) -> Reward | None:
    """The reward of a run, from whose judge only recorded verdicts come; None: not to be called.

    Raises:
        SettingError: a trusted function cannot be imported.
    """
    if settings.kind == "rule":
        return by_rule
    if ":" in settings.kind:
        return reward_of(settings) if trusted else None
    # No model: a replay answers before one would be asked.
    judge = by_judge(Judge(cast(Chat, None), settings.judge, settings.seconds))
    return judge if settings.kind == "judge" else rule_first(judge)


async def graded_anew(task: Task, run: RecordedRun, reward: Reward) -> float | None:
    """What a recorded run is worth; None where it is unscored."""
    with on_behalf_of(Scope(Replay(run), 0, "judge")):
        return (await reward(task, cast(State, run.state))).value

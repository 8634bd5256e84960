"""Rewards of recorded runs anew: by rule, or of a judge by what it said on record.

A reward that is a function of somebody's is called only where its author is trusted: to import it
is to run code that a run names.
"""

from __future__ import annotations

import asyncio
from typing import cast

from agentflow_graph.nodes.resources import Chat
from agentflow_graph.record import Scope
from agentflow_graph.record.events import Event
from agentflow_graph.record.reading import RecordedRun
from agentflow_graph.record.replay import Replay
from agentflow_graph.record.run import on_behalf_of
from agentflow_graph.state import State
from benchmarks.scoring.judge import Judge
from rl.reward import Grade, Reward, by_rule
from rl.reward.choice import assembled
from rl.reward.function import by_function
from rl.reward.grade import summed
from rl.reward.judge import by_judge, rule_first
from rl.reward.task import Task
from rl.settings.measures import Grader, RewardSettings


def recalled(settings: RewardSettings, trusted: bool) -> Reward | None:
    """The reward of a run, from whose judges only recorded verdicts come; None: not to be called.

    Raises:
        SettingError: a trusted function cannot be imported.
    """
    if settings.functions and not trusted:
        return None
    made = {name: _recalled(name, one, settings) for name, one in settings.graders()}
    return assembled(settings, made)


def _recalled(name: str, one: Grader, settings: RewardSettings) -> Reward:
    if one.kind == "rule":
        return by_rule
    if ":" in one.kind:
        return by_function(one.kind, one.seconds, settings.weights, f"{name}.kind")
    # No model: a replay answers before one would be asked.
    judge = by_judge(Judge(cast(Chat, None), one.judge, one.seconds))
    return judge if one.kind == "judge" else rule_first(judge)


async def graded_anew(task: Task, run: RecordedRun, reward: Reward) -> Grade:
    """What a recorded run is worth now; no value where it is unscored."""
    with on_behalf_of(Scope(Replay(run), 0, "judge")):
        return await reward(task, cast(State, run.state))


def unlike(
    settings: RewardSettings, reward: Reward | None, task: Task, event: Event, run: RecordedRun
) -> str:
    """How a recorded run's grade differs from what grading gives now; empty where alike.

    Without `reward`, which nobody may call, the sum of its parts is held.
    """
    if reward is None:
        return _unsummed(event, settings)
    anew = asyncio.run(graded_anew(task, run, reward))
    if anew.value != event["reward"]:
        return f"its reward is {event['reward']} on record, graded anew {anew.value}"
    known = event["grade"]
    for name, now in (("parts", anew.parts), ("turns", list(anew.turns))):
        if now != (was := known.get(name, type(now)())):
            return f"its {name} are {was} on record, graded anew {now}"
    return ""


def _unsummed(event: Event, settings: RewardSettings) -> str:
    parts, grade = settings.parts, event["grade"] or {}
    if event["reward"] is None or not parts:
        return ""
    found = {name: grade.get("parts", {}).get(name) for name in parts}
    total = summed(found, {name: part.weight for name, part in parts.items()})
    if total == event["reward"]:
        return ""
    return f"its reward is {event['reward']} on record, its parts come to {total}"

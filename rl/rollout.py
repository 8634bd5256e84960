"""From a question to a trajectory: one run of the graph, read off its finished state.

    trajectory = await rollout(graph, task, context, deadline=60)
    trajectory.reward, [action.token_ids for action in trajectory.actions]

A run that cannot be judged (deadline, model gone, broken record) is a trajectory with `failure` set
and no reward: it never counts as a wrong answer, and it never stops a step.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.runnables import RunnableConfig

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent
from agentflow_graph.state import ModelCall, State
from rl.reward import Grade, Reward, by_rule
from rl.task import Task


@dataclass(frozen=True)
class Action:
    """One sampled reply of the policy: a row of the update."""

    prompt_ids: list[int]
    token_ids: list[int]
    logprobs: list[float]
    policy_version: int
    finish_reason: str


@dataclass(frozen=True)
class Trajectory:
    """One run of the graph, with its outcome."""

    task: Task
    actions: list[Action] = field(default_factory=list)
    reward: float | None = None
    """None exactly where `failure` is set."""
    failure: str = ""
    state: State = field(default_factory=State)
    seconds: float = 0.0
    """Time of the run, without that of its reward."""
    grade: Grade | None = None
    """None where the run did not come as far as being graded."""
    attempts: int = 1
    """How often the question was run for this; more than once where a run failed."""

    def record(self) -> dict[str, Any]:
        """As plain data, for the journal."""
        state = {key: value for key, value in self.state.items() if key != "messages"}
        return {
            "id": self.task.id,
            "level": self.task.level,
            "golds": list(self.task.answers),
            "reward": self.reward,
            "failure": self.failure,
            "grade": self.grade.record() if self.grade else None,
            "seconds": round(self.seconds, 4),
            "attempts": self.attempts,
            "state": state,
        }

    @classmethod
    def recalled(cls, task: Task, record: dict[str, Any]) -> Trajectory:
        """The trajectory that `record` was made of; its state comes back without messages."""
        state = cast(State, record["state"])
        actions = [] if record["failure"] else sampled(state)
        known = {name: record[name] for name in ("reward", "failure", "seconds", "attempts")}
        grade = Grade.recalled(record) if record["grade"] else None
        return cls(task, actions, state=state, grade=grade, **known)


async def rollout(
    agent: Agent, task: Task, context: Context, deadline: float, reward: Reward = by_rule
) -> Trajectory:
    """Run the graph once on `task`, at most `deadline` seconds, and grade what came of it.

    Never raises for a failed run. The reward's time is its own affair: it counts in no deadline.
    """
    begun = time.perf_counter()
    config = RunnableConfig(recursion_limit=context.recursion_limit)
    try:
        async with asyncio.timeout(deadline):
            state = await agent.ainvoke(State(question=task.question), config, context=context)
    except TimeoutError:
        return failed(task, f"no answer within the deadline of {deadline:.0f} s", begun)
    except Exception as error:  # whatever broke, the other runs of the step go on
        return failed(task, f"{type(error).__name__}: {error}", begun)
    return await judged(task, cast(State, state), time.perf_counter() - begun, reward)


def failed(task: Task, reason: str, begun: float) -> Trajectory:
    """The trajectory of a run without outcome; `begun` on the clock of `time.perf_counter`."""
    return Trajectory(task, failure=reason, seconds=time.perf_counter() - begun)


async def judged(task: Task, state: State, seconds: float, reward: Reward = by_rule) -> Trajectory:
    """The trajectory that `state` records, with its reward, or why there is none."""
    calls = [call for turn in state["turns"] for call in turn["planner"]]
    failure = state["error"] or broken(calls)
    if failure:
        return Trajectory(task, failure=failure, state=state, seconds=seconds)
    grade = await reward(task, state)
    actions = [] if grade.failure else sampled(state)
    return Trajectory(task, actions, grade.value, grade.failure, state, seconds, grade)


def sampled(state: State) -> list[Action]:
    """What the policy sampled in a run, in order; repairs count."""
    return [
        Action(
            call["prompt_ids"],
            call["token_ids"],
            call["logprobs"],
            call["policy_version"],
            call["finish_reason"],
        )
        for turn in state["turns"]
        for call in turn["planner"]
    ]


def failures(trajectories: Sequence[Trajectory], most: int = 5) -> dict[str, int]:
    """The commonest reasons of failed runs and how often each came; the rest are counted as one."""
    reasons = Counter(run.failure for run in trajectories if run.failure)
    named = dict(reasons.most_common(most))
    rest = reasons.total() - sum(named.values())
    return named | {"other reasons": rest} if rest else named


def broken(calls: list[ModelCall]) -> str:
    """Why these planner calls cannot be trained on; empty if they can."""
    if not calls:
        return "the run has no planner call"
    for number, call in enumerate(calls, 1):
        if not call.get("token_ids") or not call.get("prompt_ids"):
            return f"planner call {number} has no token ids: is the planner a PolicyModel?"
        tokens, logprobs = len(call["token_ids"]), len(call.get("logprobs", []))
        if tokens != logprobs:
            return f"planner call {number} has {tokens} tokens but {logprobs} log-probabilities"
    return ""


async def until_judged(run: Callable[[], Awaitable[Trajectory]], retries: int) -> Trajectory:
    """Run again while it fails, `retries` times at most.

    A run that only its reward failed is not run again: that would spend a run on the judge's
    trouble, and keep the runs that a judge finds easy.
    """
    result = await run()
    for _ in range(retries):
        if not result.failure or result.grade:
            break
        result = await run()
    return result

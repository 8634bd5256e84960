"""From a question to a trajectory: one run of the graph, read off its record.

    trajectory = await rollout(graph, task, context, deadline=60)

A run that the world failed is a trajectory with `failure` set and no reward: no wrong answer, on
record as no outcome, and no end of a step. One that the policy spoilt itself is graded.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import cast

from langchain_core.runnables import RunnableConfig

from agentflow_graph.context import MOST_GRACE, Context
from agentflow_graph.errors import Fault
from agentflow_graph.errors.outside import shown
from agentflow_graph.graph import Agent
from agentflow_graph.record import Record, RecordError, RunRecord, Scope, record_as
from agentflow_graph.record.events import Answer, Event
from agentflow_graph.record.reading import RecordedRun
from agentflow_graph.record.run import on_behalf_of
from agentflow_graph.state import State
from rl.reward import Grade, Reward, by_rule
from rl.reward.blame import blame, fault_of
from rl.reward.task import Task

FINISHED = "finished"
"""Kind of the event that says which attempt at a run counts, and what it earned."""
LEFT_OUT = "left_out"
"""The same for a run that the world failed, and how; it may still be finished."""


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
    fault: Fault = ""
    """Whose fault it is that the run did not complete, or has no reward."""
    state: State = field(default_factory=State)
    seconds: float = 0.0
    """Time of the run, without that of its reward."""
    grade: Grade | None = None
    """None where the run did not come as far as being graded."""
    attempts: int = 1
    """How often the question was run for this; more than once where a run failed."""

    @property
    def by_world(self) -> bool:
        """Whether the world failed it: there is no outcome."""
        return self.reward is None and self.fault != "judge"

    def outcome_event(self, batch: str, number: int) -> Event:
        """The event of this outcome, for the record of its last attempt; no outcome by the world.

        Args:
            batch: what it belongs to, such as `train-00003`.
            number: which run of its question it is, from 0.
        """
        return {
            "event": LEFT_OUT if self.by_world else FINISHED,
            "run": run_name(batch, self.task, number, self.attempts - 1),
            "batch": batch,
            "task": self.task.id,
            "number": number,
            "level": self.task.level,
            "golds": list(self.task.answers),
            "scorer": self.task.scorer,
            "reward": self.reward,
            "failure": self.failure,
            "fault": self.fault,
            "grade": self.grade.record() if self.grade else None,
            "seconds": round(self.seconds, 4),
            "attempts": self.attempts,
        }

    @classmethod
    def from_record(cls, task: Task, event: Event, run: RecordedRun) -> Trajectory:
        """The trajectory of a `finished` event; its state comes back without messages."""
        state = cast(State, run.state or {})
        actions = [] if event["failure"] else actions_of(state, run.answers_of("planner"))
        known = {name: event[name] for name in ("reward", "failure", "seconds", "attempts")}
        known["fault"] = event.get("fault", "")
        grade = Grade.from_event(event) if event["grade"] else None
        return cls(task, actions, state=state, grade=grade, **known)


def run_name(batch: str, task: Task, number: int, attempt: int) -> str:
    """What an attempt at a run is called; `batch` is empty where a record has one only."""
    return "/".join(filter(None, (batch, task.id, str(number), str(attempt))))


def longest(deadline: float) -> float:
    """Seconds that a run takes at most: at its deadline it must begin to write its answer."""
    return deadline + min(deadline, MOST_GRACE)


async def rollout(
    agent: Agent,
    task: Task,
    context: Context,
    deadline: float,
    reward: Reward = by_rule,
    run: RunRecord | None = None,
) -> Trajectory:
    """Run the graph once on `task`, for `deadline` seconds, and grade what came of it.

    Never raises for a failed run. The reward's time counts in no deadline.

    Args:
        agent: the graph.
        task: the question.
        context: settings of the run.
        deadline: seconds until the run must write its answer.
        reward: grades it.
        run: where it is recorded; by default in memory alone.

    Raises:
        RecordError: the record cannot be written.
    """
    begun = time.perf_counter()
    run = run or RunRecord(task.id)
    config = RunnableConfig(recursion_limit=context.recursion_limit)
    if context.max_seconds > deadline:
        context = context.model_copy(update={"max_seconds": deadline})
    try:
        with record_as(run):
            async with asyncio.timeout(longest(deadline)):
                state = await agent.ainvoke(State(question=task.question), config, context=context)
    except RecordError:
        raise
    except TimeoutError:
        failure = f"no answer within {longest(deadline):g} s, with a deadline of {deadline:g} s"
    except Exception as error:  # whatever broke, the other runs of the step go on
        failure = shown(f"{type(error).__name__}: {error}")
    else:
        seconds, budget = time.perf_counter() - begun, context.max_seconds
        return await grade_run(task, cast(State, state), run, seconds, reward, budget)
    return Trajectory(task, failure=failure, fault="world", seconds=time.perf_counter() - begun)


async def grade_run(
    task: Task,
    state: State,
    run: RunRecord,
    seconds: float,
    reward: Reward = by_rule,
    budget: float = math.inf,
) -> Trajectory:
    """The trajectory of a finished run, with its reward, or why there is none.

    `budget`: seconds that the run had.
    """
    answers = {(key.turn, key.number): answer for key, answer in run.calls if key.node == "planner"}
    fault, failure = blame(state, run, budget)
    if failure := failure or fault_of(list(answers.values())):
        return Trajectory(task, [], None, failure, "world", state, seconds)
    with on_behalf_of(Scope(run, 0, "judge")):
        grade = await reward(task, state)
    actions = [] if grade.failure else actions_of(state, answers)
    fault = grade.fault or fault
    failure = shown(grade.failure)
    return Trajectory(task, actions, grade.value, failure, fault, state, seconds, grade)


def actions_of(state: State, answers: Mapping[tuple[int, int], Answer]) -> list[Action]:
    """What the policy sampled in a run, in order; repairs count.

    Args:
        state: the finished state.
        answers: the planner's, by turn and number.
    """
    calls = ((turn["index"], call["number"]) for turn in state["turns"] for call in turn["planner"])
    return [
        Action(
            answer["prompt_ids"],
            answer["token_ids"],
            answer["logprobs"],
            answer["policy_version"],
            answer["finish_reason"],
        )
        for answer in map(answers.__getitem__, calls)
    ]


Attempt = Callable[[str, int], Awaitable[Trajectory]]
"""One attempt at a run, by its name in the record and its number."""


async def attempt_until_graded(
    batch: str, task: Task, number: int, attempt: Attempt, retries: int
) -> Trajectory:
    """Attempt a run again while the world fails it, `retries` times at most.

    Not for its reward: that would keep the runs that a judge finds easy.
    """
    for made in count():
        result = await attempt(run_name(batch, task, number, made), made)
        if made == retries or not result.failure or result.grade:
            return replace(result, attempts=made + 1)
    raise AssertionError("count() has no end")


Finished = dict[tuple[str, int], tuple[Event, RecordedRun]]
"""By question and number: the `finished` event, and the attempt that it speaks of."""


def finished_runs(record: Record) -> Finished:
    """The finished runs that were on record when it was opened, by question and number."""
    return {
        (event["task"], event["number"]): (event, run)
        for run in record.known.values()
        for event in outcomes(run)
    }


def outcomes(run: RecordedRun) -> list[Event]:
    """The `finished` events of an attempt; none where something of it was lost.

    A power cut may spare a line and take one before it. Other failures are of earlier versions.
    """
    turns, answers = (run.state or {}).get("turns", []), run.answers_of("planner")
    calls = {(turn["index"], call["number"]) for turn in turns for call in turn["planner"]}
    if calls - answers.keys():
        return []
    known = [event for event in run.notes if event["event"] == FINISHED]
    return [e for e in known if (e.get("fault") == "judge" if e["failure"] else run.state)]

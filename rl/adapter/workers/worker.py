"""Graph workers: Ray actors that run the graph, asking the engines in token ids.

Tools and the other modules run here, so nothing slow ever blocks an engine's event loop. What is on
record is not done again: a run that ended is read; a call of the planner, of another module, of a
tool or of a judge that was answered is not made.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import (
    PolicyModel,
    PolicyTokenizer,
    Sampling,
)
from agentflow_graph.models.pools.subject import asking_about
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.nodes.parts.toolset import load_tools
from agentflow_graph.record import Record, RunRecord
from rl.adapter.engines.policy import EnginePolicy
from rl.reward import reward_of
from rl.reward.task import Task
from rl.rollout import (
    Finished,
    Trajectory,
    attempt_until_graded,
    finished_runs,
    rollout,
    run_name,
)
from rl.run.folder import hold_as_writer
from rl.run.record import TrainingRecord
from rl.settings.config import RewardSettings
from tools.base import FlowTool


@dataclass(frozen=True)
class Batch:
    """Rollouts that belong together: those of a training step, or of an evaluation."""

    name: str
    """Such as `train-00003`; names its part of the record."""
    runs: int
    """Trajectories per question."""
    sampling: Sampling
    round: int = 0
    """Counts up where runs are asked for again, after a pause: what ended meanwhile is read."""


@dataclass(frozen=True)
class Attempt:
    """The attempt at a run on whose behalf the policy is asked."""

    batch: Batch
    question: str
    number: int
    """Which run of the question."""
    attempt: int
    run: RunRecord


ATTEMPT: ContextVar[Attempt] = ContextVar("ATTEMPT")


@dataclass(frozen=True)
class Limits:
    """Bounds of the runs in one worker."""

    deadline: float
    """Seconds until one run must write its answer."""
    grace: float
    """Seconds that a worker may be late beyond its own deadlines before it is replaced."""
    retries: int
    in_flight: int
    window: int
    """Tokens of prompt and reply."""
    scoring: float = 0.0
    """Seconds that the reward of one run may take after it."""


class GraphWorker:
    """Runs groups of rollouts; started as a Ray actor by `pool.py`."""

    def __init__(
        self,
        engines: list[Any],
        planner: str,
        context: Context,
        limits: Limits,
        record: TrainingRecord,
        reward: RewardSettings | None = None,
    ) -> None:
        hold_as_writer(record.folder)
        self._record = record
        # An engine of a deterministic run takes calls one by one: what waits was not asked yet.
        one_by_one = {} if record.seed is None else {"planner": asyncio.Semaphore(1)}
        self._turnstile: dict[str, AbstractAsyncContextManager[Any]] = {**one_by_one}
        self._reward = reward_of(reward or RewardSettings())
        self._tokenizer = PolicyTokenizer.load(planner)
        self._trained = trained_under(Path(planner))
        self._client = EnginePolicy(
            engines, limits.window, self._tokenizer.eos_id, self._sampling_seed
        )
        self._context = context
        self._tools = load_tools(context, context.passages or self._trained.get("passages", 3))
        self._limits = limits
        self._graphs: dict[Sampling, Agent] = {}
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._rounds: dict[str, int] = {}

    def _sampling_seed(self) -> int:
        made = ATTEMPT.get()
        return self._record.sampling_seed(
            made.batch.name, made.question, made.number, made.attempt, made.run.answered["planner"]
        )

    async def warm_up(self) -> None:
        """Let each tool look at what it needs, such as a sandbox, while the engines still start."""
        ours = [tool for tool in self._tools if isinstance(tool, FlowTool)]
        await asyncio.gather(*(tool.missing() for tool in ours), return_exceptions=True)

    async def run_group(
        self, task: Task, batch: Batch, place: int | None = None
    ) -> list[Trajectory]:
        """The trajectories of one question; those that the world failed were retried.

        `place`: of the question among those asked side by side, by all workers.

        Raises:
            RecordError: the record cannot be written.
        """
        record = self._record.chapter(batch.name)
        if batch.round > self._rounds.get(batch.name, 0):
            self._rounds[batch.name] = batch.round
            record.forget()
        finished = finished_runs(record)
        runs = (self._once(record, finished, task, batch, number) for number in range(batch.runs))
        with asking_about(task.question, place):
            return list(await asyncio.gather(*runs))

    async def _once(
        self, record: Record, finished: Finished, task: Task, batch: Batch, number: int
    ) -> Trajectory:
        if known := finished.get((task.id, number)):
            return Trajectory.from_record(task, *known)

        async def attempt(name: str, made: int) -> Trajectory:
            async with self._slots:
                run = record.run(name, self._turnstile)
                ATTEMPT.set(Attempt(batch, task.id, number, made, run))
                deadline, graph = self._limits.deadline, self._graph(batch.sampling)
                return await rollout(graph, task, self._context, deadline, self._reward, run)

        result = await attempt_until_graded(batch.name, task, number, attempt, self._limits.retries)
        record.write(result.outcome_event(batch.name, number))
        await record.synced()
        for made in range(result.attempts):
            record.close_run(run_name(batch.name, task, number, made))
        return result

    def _graph(self, sampling: Sampling) -> Agent:
        """One compiled graph for each way of sampling; compiling costs milliseconds, once."""
        if sampling not in self._graphs:
            model = PolicyModel(
                client=self._client,
                tokenizer=self._tokenizer,
                sampling=sampling,
                trained=self._trained,
            )
            self._graphs[sampling] = build_graph({"planner": model}, self._tools)
        return self._graphs[sampling]

"""Graph workers: Ray actors that run the graph, asking the engines in token ids.

Tools and the other modules run here, so nothing slow ever blocks an engine's event loop. What the
journal holds is not done again: a run that ended is read, a call that was answered is not sent.
"""

from __future__ import annotations

import asyncio
import itertools
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from agentflow_graph.context import Context
from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models.policy import Completion, PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.models.strings import trained_under
from agentflow_graph.resources import load_tools
from rl.reward import reward_of
from rl.rollout import Trajectory, rollout, until_judged
from rl.run.folder import hold_as_writer
from rl.run.journal import Call, Chapter, Journal
from rl.settings.config import RewardSettings
from rl.task import Task
from tools.base import FlowTool


@dataclass(frozen=True)
class Batch:
    """Rollouts that belong together: those of a training step, or of an evaluation."""

    name: str
    """Kind, step and what else tells it apart, such as `train-00003`; names its chapter."""
    runs: int
    """Trajectories per question."""
    sampling: Sampling


@dataclass
class Asker:
    """The attempt at a run on whose behalf the policy is asked."""

    batch: Batch
    question: str
    run: int
    attempt: int
    calls: int = 0

    def call(self, prompt_ids: list[int]) -> Call:
        """The next call of this attempt."""
        self.calls += 1
        return Call.of(self.question, self.run, self.attempt, self.calls - 1, prompt_ids)


UNLIMITED = 1_000_000

ASKER: ContextVar[Asker] = ContextVar("ASKER")


class EnginePolicy:
    """The third policy client: the journal, then the engines of the trainer in turn."""

    def __init__(self, engines: list[Any], window: int, eos_id: int, journal: Journal) -> None:
        self._engines = itertools.cycle(engines)
        self._window = window
        self._eos = eos_id
        self._journal = journal
        # An engine of a deterministic run takes calls one by one: what waits was not asked yet.
        self._turn = asyncio.Semaphore(UNLIMITED if journal.seed is None else 1)

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        room = self._window - len(prompt_ids)
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {len(prompt_ids)} tokens, rollout.window is {self._window}; "
                "raise it, or lower agent.memory_tokens"
            )
        asker = ASKER.get()
        call, batch = asker.call(prompt_ids), asker.batch.name
        chapter = self._journal.chapter(batch)
        if call in chapter.answers:
            return chapter.answers[call]
        seed = self._journal.sampling_seed(batch, call)
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, room), seed=seed)
        async with self._turn:
            chapter.ask(call)
            try:
                done: Completion = await next(self._engines).generate_ids.remote(
                    prompt_ids, sampling, self._eos
                )
            except ray.exceptions.RayError as error:
                raise ModelError(f"a rollout engine failed: {error}") from error
            chapter.answer(call, done)
        return done


@dataclass(frozen=True)
class Limits:
    """Bounds of the runs in one worker."""

    deadline: float
    """Seconds of one run."""
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
        journal: Journal,
        reward: RewardSettings | None = None,
    ) -> None:
        hold_as_writer(journal.folder)
        self._journal = journal
        self._reward = reward_of(reward or RewardSettings())
        self._tokenizer = PolicyTokenizer.load(planner)
        self._trained = trained_under(Path(planner))
        self._client = EnginePolicy(engines, limits.window, self._tokenizer.eos_id, journal)
        self._context = context
        self._tools = load_tools(context, context.passages or self._trained.get("passages", 3))
        self._limits = limits
        self._graphs: dict[Sampling, Agent] = {}
        self._places = asyncio.Semaphore(limits.in_flight)

    async def warm_up(self) -> None:
        """Let each tool look at what it needs, such as a sandbox, while the engines still start."""
        ours = [tool for tool in self._tools if isinstance(tool, FlowTool)]
        await asyncio.gather(*(tool.missing() for tool in ours), return_exceptions=True)

    async def run_group(self, task: Task, batch: Batch) -> list[Trajectory]:
        """The trajectories of one question; failed ones were retried and are marked.

        Raises:
            JournalError: the journal cannot be written.
        """
        chapter = self._journal.chapter(batch.name)
        runs = (self._once(chapter, task, batch, number) for number in range(batch.runs))
        return list(await asyncio.gather(*runs))

    async def _once(self, chapter: Chapter, task: Task, batch: Batch, number: int) -> Trajectory:
        if record := chapter.finished.get((task.id, number)):
            return Trajectory.recalled(task, record)
        attempts = itertools.count()

        def attempt() -> Any:
            return self._attempt(task, Asker(batch, task.id, number, next(attempts)))

        result = await until_judged(attempt, self._limits.retries)
        result = replace(result, attempts=next(attempts))
        chapter.finish(task.id, number, result.record())
        await chapter.synced()
        return result

    async def _attempt(self, task: Task, asker: Asker) -> Trajectory:
        async with self._places:
            ASKER.set(asker)
            graph = self._graph(asker.batch.sampling)
            return await rollout(graph, task, self._context, self._limits.deadline, self._reward)

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

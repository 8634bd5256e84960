"""Graph workers: Ray actors that run the graph, asking the engines in token ids.

Tools and the other modules run here, so nothing slow ever blocks an engine's event loop.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from agentflow_graph.context import Context
from agentflow_graph.crew import load_tools
from agentflow_graph.errors import ModelError, PromptTooLong
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.models import trained_under
from agentflow_graph.policy import Completion, PolicyModel, PolicyTokenizer, Sampling
from rl.config import RewardSettings
from rl.reward import reward_of
from rl.rollout import Task, Trajectory, rollout, until_judged
from tools.base import FlowTool


class EnginePolicy:
    """The third policy client: engines of the trainer, taken in turn."""

    def __init__(self, engines: list[Any], window: int, eos_id: int) -> None:
        self._engines = itertools.cycle(engines)
        self._window = window
        self._eos = eos_id

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        room = self._window - len(prompt_ids)
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {len(prompt_ids)} tokens, rollout.window is {self._window}; "
                "raise it, or lower agent.memory_tokens"
            )
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, room))
        try:
            done: Completion = await next(self._engines).generate_ids.remote(
                prompt_ids, sampling, self._eos
            )
        except ray.exceptions.RayError as error:
            raise ModelError(f"a rollout engine failed: {error}") from error
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
        reward: RewardSettings | None = None,
    ) -> None:
        self._reward = reward_of(reward or RewardSettings())
        self._tokenizer = PolicyTokenizer.load(planner)
        self._trained = trained_under(Path(planner))
        self._client = EnginePolicy(engines, limits.window, self._tokenizer.eos_id)
        self._context = context
        self._tools = load_tools(context, context.passages or self._trained.get("passages", 3))
        self._limits = limits
        self._graphs: dict[Sampling, Agent] = {}
        self._places = asyncio.Semaphore(limits.in_flight)

    async def warm_up(self) -> None:
        """Let each tool look at what it needs, such as a sandbox, while the engines still start."""
        ours = [tool for tool in self._tools if isinstance(tool, FlowTool)]
        await asyncio.gather(*(tool.missing() for tool in ours), return_exceptions=True)

    async def run_group(self, task: Task, runs: int, sampling: Sampling) -> list[Trajectory]:
        """`runs` trajectories of one question; failed ones were retried and are marked."""
        graph = self._graph(sampling)
        once = [
            until_judged(lambda: self._run(graph, task), self._limits.retries) for _ in range(runs)
        ]
        return list(await asyncio.gather(*once))

    async def _run(self, graph: Agent, task: Task) -> Trajectory:
        async with self._places:
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

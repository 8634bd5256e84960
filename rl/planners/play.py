"""Runs of the graph in this process, with any `PolicyClient` as planner.

    table = Table.set(folder, client, context)
    runs = await table.play(tasks, Sampling(0.7, 32))

The trainer's workers do the same in processes of their own; both call `rl.rollout`, so an
evaluation here and one in training measure alike.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.tools import BaseTool

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.graph import build_graph
from agentflow_graph.models.policy import (
    Completion,
    PolicyClient,
    PolicyModel,
    PolicyTokenizer,
    Sampling,
)
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.nodes.parts.toolset import load_tools
from agentflow_graph.record import Record
from benchmarks.almanac.scripted import reply
from benchmarks.worlds import ALMANAC, Known
from rl.planners import nano
from rl.preflight.agent import hold_to_tools
from rl.reward import Reward, by_rule, reward_of
from rl.reward.task import Task
from rl.rollout import Trajectory, attempt_until_graded, rollout
from rl.run.quiet import noise_to
from rl.settings.arguments import NANO, check_planner
from rl.settings.config import Config, load

T = TypeVar("T")
IN_FLIGHT = 256
"""Runs at once."""


class Teacher:
    """A policy client that is always right: a world's oracle, in the planner's own tokens.

    Its log-probabilities are 0: it has no choice.
    """

    def __init__(self, tokenizer: PolicyTokenizer, world: Known = ALMANAC) -> None:
        self._tokenizer, self._world = tokenizer, world

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        # The template's marks stand at the end of the prompt's last line.
        text = self._tokenizer.decode(prompt_ids).replace(nano.END, "\n")
        said = self._tokenizer.encode(reply(self._world.plan, text))
        ids = [*said, self._tokenizer.eos_id]
        return Completion(ids, [0.0] * len(ids), "stop")


@dataclass(frozen=True)
class Table:
    """What stays the same from run to run: planner, tools, settings, limits."""

    client: PolicyClient
    tokenizer: PolicyTokenizer
    trained: dict[str, Any]
    tools: list[BaseTool]
    context: Context
    retries: int = 1
    reward: Reward = by_rule

    @classmethod
    def set(
        cls,
        planner: Path,
        client: PolicyClient | None,
        context: Context,
        world: Known = ALMANAC,
        reward: Reward = by_rule,
    ) -> Table:
        """The table for the planner in a folder; without a client, its teacher plays.

        Raises:
            SettingError: the folder holds no tokenizer, or a tool cannot be had.
        """
        tokenizer, trained = PolicyTokenizer.load(planner), trained_under(planner)
        tools = load_tools(context, context.passages or trained.get("passages", 3))
        player = client or Teacher(tokenizer, world)
        return cls(player, tokenizer, trained, tools, context, reward=reward)

    async def play(
        self,
        tasks: Sequence[Task],
        sampling: Sampling,
        max_turns: int = 0,
        record: Record | None = None,
    ) -> list[Trajectory]:
        """One trajectory for each task, in their order.

        Args:
            tasks: the questions; one that stands there more than once is run as often.
            sampling: of the planner.
            max_turns: another turn budget than the context's; 0: that one.
            record: where the runs are kept; by default in memory alone.

        Raises:
            RecordError: the record cannot be written.
        """
        model = PolicyModel(
            client=self.client, tokenizer=self.tokenizer, sampling=sampling, trained=self.trained
        )
        graph = build_graph({"planner": model}, self.tools)
        context = self.context
        if max_turns:
            context = context.model_copy(update={"max_turns": max_turns})
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def once(task: Task, number: int) -> Trajectory:
            async def attempt(name: str, _: int) -> Trajectory:
                async with slots:
                    run = record.begin(name) if record else None
                    seconds = context.max_seconds
                    return await rollout(graph, task, context, seconds, self.reward, run)

            result = await attempt_until_graded("", task, number, attempt, self.retries)
            if record:
                record.write(result.outcome_event("", number))
            return result

        before: Counter[str] = Counter()
        runs = []
        for task in tasks:
            runs.append(once(task, before[task.id]))
            before[task.id] += 1
        return list(await asyncio.gather(*runs))


def load_config(planner: Path, overrides: Sequence[str], path: Path = NANO) -> Config:
    """The training configuration under which a planner is run: `path` with `overrides`.

    Raises:
        SettingError: the planner is no model folder, or an override is wrong.
    """
    check_planner(planner)
    return load(path, [f"model.path={planner}", *overrides])


def check_known(world: Known, tasks: Sequence[Task]) -> None:
    """Raise SettingError where the oracle of a world cannot play a question."""
    for task in tasks:
        try:
            world.plan(task.question, [])
        except ValueError as error:
            raise SettingError(
                f"--teacher plays questions of {world.name} alone, and {task.id!r} is none: "
                f"{error}; leave --teacher out, or take others"
            ) from None


def with_table(
    config: Config, seed: int, teacher: bool, log: Path, work: Callable[[Table], Awaitable[T]]
) -> T:
    """What `work` makes of a table with the planner of `config`, in an engine, or its teacher.

    What the engine has to say goes to `log`.

    Raises:
        SettingError: see `hold_to_tools`.
    """
    planner, context, reward = Path(config.model.path), config.context(), reward_of(config.reward)

    hold_to_tools(config, load_tools(context, context.passages or 3))

    async def play(client: PolicyClient | None) -> T:
        return await work(Table.set(planner, client, context, config.world, reward))

    if teacher:
        return asyncio.run(play(None))
    log.parent.mkdir(parents=True, exist_ok=True)
    with noise_to(log):
        from rl.adapter.engines.session import session

        with session(planner, config.rollout.window, seed, config.engine) as client:
            return asyncio.run(play(client))

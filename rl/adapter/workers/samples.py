"""Sampling: OpenRLHF's generator of samples, with trajectories of the graph for samples.

Which questions a step asks is a function of the step and of the outcomes on record: without a
curriculum, those that stand at its place in the run's `data/train.jsonl`. So no reader's state can
be lost. Rollouts of the next steps may run while a step is collected and trained on, and a step may
close before its last groups are done (`rl.adapter.workers.closing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator
from openrlhf.trainer.ray.vllm_engine import batch_vllm_engine_call

from agentflow_graph.models.policy import Sampling
from rl.adapter.workers.closing import EarlyClose
from rl.adapter.workers.outage import Asked, Groups, Outage
from rl.adapter.workers.pool import PendingBatch, WorkerPool
from rl.adapter.workers.worker import Batch
from rl.questions.curriculum import Curriculum
from rl.questions.rows import read
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.record import heldout_batch, lessons_of, train_batch
from rl.run.saved.parts import outcomes_of
from rl.settings.config import Config
from rl.settings.measures import HELDOUT


class FlowSamplesGenerator(SamplesGenerator):  # type: ignore[misc]
    """Runs the graph on the questions of a step or of an evaluation."""

    def __init__(
        self,
        strategy: Any,
        config: Config,
        pool: WorkerPool,
        engines: list[Any],
        say: Callable[[str], None] = print,
    ) -> None:
        super().__init__(strategy, None, None, None, engines)
        self.config = config
        self.pool = pool
        self.outage = Outage(config, pool, say)
        self.train = read(config.run / "data" / "train.jsonl")
        folder = config.run / "data"
        self.sets = {name: read(folder / f"{name}.jsonl") for name in config.sets}
        floor, ahead = config.data.curriculum_floor, config.rollout.max_steps_ahead
        self.curriculum = (
            Curriculum(self.train, config.seed, floor, ahead) if config.data.curriculum else None
        )
        self._pending: dict[int, PendingBatch] = {}
        share = config.rollout.close
        self.closing = (
            EarlyClose(pool, config.run / "record", share, config.steps, self._sent)
            if share < 1
            else None
        )

    @property
    def counts(self) -> dict[str, int]:
        """What the metrics of the last step say of late groups."""
        return self.closing.counts if self.closing else {}

    def of_step(self, step: int) -> list[Trajectory]:
        """The trajectories of a step, counted from 1; runs of a question stand together.

        Those of the next `rollout.max_steps_ahead` steps are under way when this returns.
        """
        self._submit(step)
        with self.awake():
            asked, groups = self._gathered(step)
            groups = self.outage.waited_out(asked, groups)
            groups = self._refilled(step, groups)
        samples = [run for group in groups for run in group]
        if self.curriculum:
            told = ((run.task.id, run.reward, run.fault) for run in samples)
            self.curriculum.learn(step, lessons_of(told))
        return samples

    def _submit(self, step: int) -> None:
        last = min(step + self.config.rollout.max_steps_ahead, self.config.steps)
        for number in range(step, last + 1):
            if number not in self._pending:
                tasks = self._tasks(number)[: self.config.rollout.questions]
                self._pending[number] = self.pool.submit(tasks, self._batch(number))

    def _gathered(self, step: int) -> tuple[list[Asked], Groups]:
        pending = self._pending.pop(step)
        if self.closing:
            return self.closing.gathered(step, pending)
        groups = self.pool.collect(pending)
        batch = self._batch(step)
        return [Asked(task, batch) for task in self._tasks(step)[: len(groups)]], groups

    def recall(self, steps: int) -> None:
        """Go on after the first `steps` steps of a resumed run: outcomes, and what was late."""
        if self.curriculum:
            for step in range(1, steps + 1):
                self.curriculum.learn(step, outcomes_of(self.config.run / "record", step))
        if self.closing:
            self.closing.recall(steps)

    def _sent(self, step: int, names: list[str]) -> PendingBatch:
        known = {task.id: task for task in self.train}
        return self.pool.submit([known[name] for name in names], self._batch(step))

    def _batch(self, step: int) -> Batch:
        rollout = self.config.rollout
        sampling = Sampling(rollout.temperature, rollout.reply_tokens)
        return Batch(train_batch(step), rollout.group_size, sampling)

    def _tasks(self, step: int) -> list[Task]:
        """The questions of a step, and behind them those that may replace some."""
        size = self.config.rollout.questions * (1 + self.config.rollout.refills)
        if self.curriculum:
            return self.curriculum.draw(step, size)
        return self.train[(step - 1) * size : step * size]

    def _refilled(self, step: int, groups: list[list[Trajectory]]) -> list[list[Trajectory]]:
        """Run fresh questions for those whose runs all scored alike, round by round."""
        tasks = self._tasks(step)[self.config.rollout.questions :]
        last = groups
        while (dull := [group for group in last if not _spread(group)]) and tasks:
            last = self._run(tasks[: len(dull)], self._batch(step))
            tasks = tasks[len(dull) :]
            groups = groups + last
        return groups

    def evaluate(self, step: int, temperature: float, name: str = HELDOUT) -> list[Trajectory]:
        """The trajectories of a set's questions; greedy, one of each."""
        sampling = Sampling(temperature, self.config.rollout.reply_tokens)
        runs = self.config.sets[name].runs if temperature else 1
        batch = Batch(heldout_batch(step, temperature, name), runs, sampling)
        with self.awake():
            return [run for group in self._run(self.sets[name], batch) for run in group]

    def _run(self, tasks: list[Task], batch: Batch) -> list[list[Trajectory]]:
        asked = [Asked(task, batch) for task in tasks]
        return self.outage.waited_out(asked, self.pool.run(tasks, batch))

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Engines that sleep while the policy trains are awake inside."""
        if not self.args.vllm.enable_sleep:
            yield
            return
        batch_vllm_engine_call(self.vllm_engines, "wake_up")
        try:
            yield
        finally:
            batch_vllm_engine_call(self.vllm_engines, "sleep")


def _spread(group: list[Trajectory]) -> bool:
    """Whether the judged runs of a group scored differently, and none lacks its verdict.

    Or some turns of theirs did, at the same place, where turns have rewards.
    """
    if any(run.fault == "judge" for run in group):
        return False
    judged = [run for run in group if run.reward is not None]
    columns = zip_longest(*(run.grade.turns for run in judged if run.grade))
    turns = [{reward for reward in column if reward is not None} for column in columns]
    return any(len(rewards) > 1 for rewards in ({run.reward for run in judged}, *turns))

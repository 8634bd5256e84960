"""The trainer's view of the graph workers: groups out, trajectories back, nothing ever hangs.

A worker that dies is replaced, and its unfinished groups are given to the new one. Only unfinished
runs are repeated, and of those only what was not answered; the rest is read from the record. A
worker that stops answering, or a group that kills its worker again and again, costs the runs that
did not end: they come back failed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ray

from agentflow_graph.context import Context
from agentflow_graph.record import RecordError
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.reward.task import Task
from rl.rollout import Trajectory, finished_runs, longest
from rl.run.record import TrainingRecord
from rl.settings.config import Config, RewardSettings


@dataclass
class PendingBatch:
    """Rollouts of a batch that were given to the workers."""

    tasks: Sequence[Task]
    batch: Batch
    begun: float = field(default_factory=time.perf_counter)
    refs: dict[Any, int] = field(default_factory=dict)
    """Index of the task, by the reference of its answer."""
    worker_of: dict[int, Any] = field(default_factory=dict)
    """Worker, by index of the task."""
    deaths: Counter[int] = field(default_factory=Counter)
    groups: dict[int, list[Trajectory]] = field(default_factory=dict)
    """Those that are done and not taken yet, by index of the task."""
    taken: set[int] = field(default_factory=set)

    @property
    def left(self) -> list[int]:
        """Indices of the tasks whose groups nobody has taken."""
        return [index for index in range(len(self.tasks)) if index not in self.taken]

    def take(self, index: int) -> list[Trajectory]:
        """The group of a task, which is held no longer."""
        self.taken.add(index)
        return self.groups.pop(index)


MAX_WORKER_DEATHS = 3
"""Dead workers that a group survives; after one more it counts as what killed them.

A death costs every group of the worker, and nearly all of them did nothing to deserve it.
"""


class WorkerPool:
    """Graph worker actors that share the engines."""

    def __init__(
        self,
        engines: list[Any],
        planner: str,
        context: Context,
        limits: Limits,
        workers: int,
        record: TrainingRecord,
        worker_class: type[GraphWorker] = GraphWorker,
        reward: RewardSettings | None = None,
    ) -> None:
        actor: Any = ray.remote(worker_class).options(num_cpus=0, max_concurrency=1000)
        self._start = partial(actor.remote, engines, planner, context, limits, record, reward)
        self._limits = limits
        self.record = record
        self._workers: list[Any] = [self._start() for _ in range(workers)]
        self._watched = {engine.lost_weights.remote(): engine for engine in engines}
        self.on_lost_weights: Callable[[], None] = lambda: None
        """Called when an engine died and was started again: it waits for the policy's weights."""
        for worker in self._workers:
            worker.warm_up.remote()

    def run(self, tasks: Sequence[Task], batch: Batch) -> list[list[Trajectory]]:
        """`batch.runs` trajectories for each task, groups in the order of `tasks`.

        Raises:
            RecordError: the record cannot be written.
        """
        return self.collect(self.submit(tasks, batch))

    def submit(self, tasks: Sequence[Task], batch: Batch) -> PendingBatch:
        """Give the tasks to the workers and return at once."""
        pending = PendingBatch(tasks, batch)
        for index in range(len(tasks)):
            self._send(pending, index)
        return pending

    def collect(self, pending: PendingBatch) -> list[list[Trajectory]]:
        """Wait for the rest of a batch; see `run`."""
        self.wait([pending], lambda: not pending.refs)
        return [pending.take(index) for index in pending.left]

    def wait(self, batches: Sequence[PendingBatch], enough: Callable[[], bool]) -> None:
        """Land groups until `enough` says so, or until all have ended, one way or another.

        Raises:
            RecordError: the record cannot be written.
        """
        runs = sum(len(pending.refs) * pending.batch.runs for pending in batches)
        until = time.monotonic() + self._patience(runs)
        while not enough() and time.monotonic() < until:
            of = {ref: pending for pending in batches for ref in pending.refs}
            for ref in ray.wait([*of, *self._watched], num_returns=1, timeout=1.0)[0]:
                if ref in self._watched:
                    self._supply(ref)
                else:
                    self._land(of[ref], ref)
        if not enough():
            for pending in batches:
                self._give_up(pending)

    def _give_up(self, pending: PendingBatch) -> None:
        late = list(pending.refs.values())
        pending.refs.clear()
        for index in late:
            self._replace(pending.worker_of[index])
        for index in late:
            reason = "the graph worker did not answer in time and was replaced"
            pending.groups[index] = self._rest(pending, index, reason)

    def _patience(self, runs: int) -> float:
        limits = self._limits
        waves = math.ceil(runs / (len(self._workers) * limits.in_flight))
        one = longest(limits.deadline) * (1 + limits.retries) + limits.scoring
        return waves * one + limits.grace

    def _send(self, pending: PendingBatch, index: int) -> None:
        worker = self._workers[index % len(self._workers)]
        pending.worker_of[index] = worker
        place = place_of(index, len(self._workers))
        answer = worker.run_group.remote(pending.tasks[index], pending.batch, place)
        pending.refs[answer] = index

    def _land(self, pending: PendingBatch, ref: Any) -> None:
        index = pending.refs.pop(ref)
        try:
            pending.groups[index] = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, RecordError):
                raise error.cause from None
            reason = f"the graph worker raised {error.cause!r}"
            pending.groups[index] = self._rest(pending, index, reason)
        except ray.exceptions.RayError as error:
            self._replace(pending.worker_of[index])
            pending.deaths[index] += 1
            if pending.deaths[index] <= MAX_WORKER_DEATHS:
                self._send(pending, index)
                return
            reason = f"the graph worker died: {str(error).splitlines()[0]}"
            pending.groups[index] = self._rest(pending, index, reason)

    def _rest(self, pending: PendingBatch, index: int, reason: str) -> list[Trajectory]:
        """A group without its worker: the runs that ended as they were, the others failed."""
        task, batch = pending.tasks[index], pending.batch
        seconds = time.perf_counter() - pending.begun
        self.record.forget(batch.name)
        record = self.record.chapter(batch.name)
        finished, group = finished_runs(record), []
        for number in range(batch.runs):
            if known := finished.get((task.id, number)):
                group.append(Trajectory.from_record(task, *known))
                continue
            group.append(Trajectory(task, failure=reason, fault="world", seconds=seconds))
            record.write(group[-1].outcome_event(batch.name, number))
        record.sync()
        return group

    def _replace(self, worker: Any) -> None:
        """A new actor for a dead or stuck one; a second report about the same one does nothing."""
        if worker in self._workers:
            ray.kill(worker)
            self._workers[self._workers.index(worker)] = self._start()

    def _supply(self, ref: Any) -> None:
        """Have weights sent to an engine that was started again, and watch it again."""
        engine = self._watched.pop(ref)
        ray.get(ref)  # raises if the engine cannot be started any more
        self.on_lost_weights()
        self._watched[engine.lost_weights.remote()] = engine


def place_of(index: int, workers: int) -> int:
    """Where the question `index` of a batch stands for routing (`agentflow_graph/models/pools`).

    Worker `index % workers` has it. By `index` alone the questions of one worker could all go to
    one engine; so each round of the workers begins one further.
    """
    return index // workers + index % workers


def worker_pool(config: Config, engines: list[Any]) -> WorkerPool:
    """The graph workers that `config` asks for."""
    rollout = config.rollout
    limits = Limits(
        deadline=rollout.deadline,
        grace=rollout.grace,
        retries=rollout.retries,
        in_flight=rollout.in_flight,
        window=rollout.window,
        scoring=config.reward.longest,
    )
    seed = config.seed if config.deterministic else None
    record = TrainingRecord(config.run / "record", seed)
    return WorkerPool(
        engines,
        config.model.path,
        config.context(),
        limits,
        rollout.workers,
        record,
        reward=config.reward,
    )

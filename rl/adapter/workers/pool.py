"""The trainer's view of the graph workers: groups out, trajectories back, nothing ever hangs.

A worker that dies is started anew and given its unfinished groups again: the journal has the runs
that had ended, so these alone are repeated that had not. A worker that stops answering, or a group
that kills its worker again and again, costs the runs that did not end: they come back failed.
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
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.rollout import Trajectory
from rl.run.journal import Journal
from rl.settings.config import RewardSettings
from rl.settings.errors import JournalError
from rl.task import Task


@dataclass
class Flight:
    """Rollouts of a batch that were given to the workers."""

    tasks: Sequence[Task]
    batch: Batch
    begun: float = field(default_factory=time.perf_counter)
    pending: dict[Any, int] = field(default_factory=dict)
    """Place of the task, by the reference of its answer."""
    homes: dict[int, Any] = field(default_factory=dict)
    """Worker, by place of the task."""
    deaths: Counter[int] = field(default_factory=Counter)
    groups: dict[int, list[Trajectory]] = field(default_factory=dict)


DEATHS = 3
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
        journal: Journal,
        worker_class: type[GraphWorker] = GraphWorker,
        reward: RewardSettings | None = None,
    ) -> None:
        actor: Any = ray.remote(worker_class).options(num_cpus=0, max_concurrency=1000)
        self._start = partial(actor.remote, engines, planner, context, limits, journal, reward)
        self._limits = limits
        self.journal = journal
        self._workers: list[Any] = [self._start() for _ in range(workers)]
        self._watched = {engine.lost_weights.remote(): engine for engine in engines}
        self.on_lost_weights: Callable[[], None] = lambda: None
        """Called when an engine died and was started anew: it waits for the policy's weights."""
        for worker in self._workers:
            worker.warm_up.remote()

    def run(self, tasks: Sequence[Task], batch: Batch) -> list[list[Trajectory]]:
        """`batch.runs` trajectories for each task, groups in the order of `tasks`.

        Raises:
            JournalError: the journal cannot be written.
        """
        return self.collect(self.submit(tasks, batch))

    def submit(self, tasks: Sequence[Task], batch: Batch) -> Flight:
        """Give the tasks to the workers and return at once."""
        flight = Flight(tasks, batch)
        for place in range(len(tasks)):
            self._send(flight, place)
        return flight

    def collect(self, flight: Flight) -> list[list[Trajectory]]:
        """Wait for the rest of a flight; see `run`."""
        until = time.monotonic() + self._patience(len(flight.tasks) * flight.batch.runs)
        while flight.pending and time.monotonic() < until:
            waiting = [*flight.pending, *self._watched]
            for ref in ray.wait(waiting, num_returns=1, timeout=1.0)[0]:
                if ref in self._watched:
                    self._supply(ref)
                else:
                    self._land(flight, ref)
        late = list(flight.pending.values())
        for place in late:
            self._replace(flight.homes[place])
        for place in late:
            reason = "the graph worker did not answer in time and was replaced"
            flight.groups[place] = self._rest(flight, place, reason)
        return [flight.groups[place] for place in range(len(flight.tasks))]

    def _patience(self, runs: int) -> float:
        limits = self._limits
        waves = math.ceil(runs / (len(self._workers) * limits.in_flight))
        one = limits.deadline * (1 + limits.retries) + limits.scoring
        return waves * one + limits.grace

    def _send(self, flight: Flight, place: int) -> None:
        worker = self._workers[place % len(self._workers)]
        flight.homes[place] = worker
        flight.pending[worker.run_group.remote(flight.tasks[place], flight.batch)] = place

    def _land(self, flight: Flight, ref: Any) -> None:
        place = flight.pending.pop(ref)
        try:
            flight.groups[place] = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, JournalError):
                raise error.cause from None
            reason = f"the graph worker raised {error.cause!r}"
            flight.groups[place] = self._rest(flight, place, reason)
        except ray.exceptions.RayError as error:
            self._replace(flight.homes[place])
            flight.deaths[place] += 1
            if flight.deaths[place] <= DEATHS:
                self._send(flight, place)
                return
            reason = f"the graph worker died: {str(error).splitlines()[0]}"
            flight.groups[place] = self._rest(flight, place, reason)

    def _rest(self, flight: Flight, place: int, reason: str) -> list[Trajectory]:
        """A group without its worker: the runs that ended as they were, the others failed."""
        task, batch = flight.tasks[place], flight.batch
        seconds = time.perf_counter() - flight.begun
        self.journal.forget(batch.name)
        chapter = self.journal.chapter(batch.name)
        lost = Trajectory(task, failure=reason, seconds=seconds)
        records = [chapter.finished.get((task.id, number)) for number in range(batch.runs)]
        for number, record in enumerate(records):
            if record is None:
                chapter.finish(task.id, number, lost.record())
        chapter.sync()
        return [Trajectory.recalled(task, record) if record else lost for record in records]

    def _replace(self, worker: Any) -> None:
        """A new actor for a dead or stuck one; a second report about the same one does nothing."""
        if worker in self._workers:
            ray.kill(worker)
            self._workers[self._workers.index(worker)] = self._start()

    def _supply(self, ref: Any) -> None:
        """Have weights sent to an engine that was started anew, and watch it again."""
        engine = self._watched.pop(ref)
        ray.get(ref)  # raises if the engine cannot be started any more
        self.on_lost_weights()
        self._watched[engine.lost_weights.remote()] = engine

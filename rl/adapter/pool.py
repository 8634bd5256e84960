"""The trainer's view of the graph workers: groups out, trajectories back, nothing ever hangs.

A worker that dies or stops answering costs its own groups only: they come back failed, the worker
is started anew, and the step goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ray

from agentflow_graph.context import Context
from agentflow_graph.policy import Sampling
from rl.adapter.worker import GraphWorker, Limits
from rl.config import RewardSettings
from rl.rollout import Task, Trajectory


class WorkerPool:
    """Graph worker actors that share the engines."""

    def __init__(
        self,
        engines: list[Any],
        planner: str,
        context: Context,
        limits: Limits,
        workers: int,
        worker_class: type[GraphWorker] = GraphWorker,
        reward: RewardSettings | None = None,
    ) -> None:
        actor: Any = ray.remote(worker_class).options(num_cpus=0, max_concurrency=1000)
        self._start = partial(actor.remote, engines, planner, context, limits, reward)
        self._limits = limits
        self._workers: list[Any] = [self._start() for _ in range(workers)]
        for worker in self._workers:
            worker.warm_up.remote()

    def run(
        self,
        tasks: Sequence[Task],
        runs: int,
        sampling: Sampling,
        done: Callable[[list[Trajectory]], None] = lambda _: None,
    ) -> list[list[Trajectory]]:
        """`runs` trajectories for each task, groups in the order of `tasks`.

        Args:
            tasks: the questions.
            runs: trajectories per question.
            sampling: of the planner.
            done: called with each group as it comes back.
        """
        begun = time.perf_counter()
        groups: dict[int, list[Trajectory]] = {}
        workers = [self._workers[i % len(self._workers)] for i in range(len(tasks))]
        pending = {
            worker.run_group.remote(task, runs, sampling): i
            for i, (worker, task) in enumerate(zip(workers, tasks, strict=True))
        }
        until = time.monotonic() + self._patience(len(tasks) * runs)
        while pending and time.monotonic() < until:
            for ref in ray.wait(list(pending), num_returns=1, timeout=1.0)[0]:
                i = pending.pop(ref)
                groups[i] = self._collected(ref, workers[i], tasks[i], runs, begun)
                done(groups[i])
        for i in pending.values():
            self._replace(workers[i])
            reason = "the graph worker did not answer in time and was replaced"
            groups[i] = _all_failed(tasks[i], runs, reason, begun)
            done(groups[i])
        return [groups[i] for i in range(len(tasks))]

    def _patience(self, runs: int) -> float:
        limits = self._limits
        waves = math.ceil(runs / (len(self._workers) * limits.in_flight))
        one = limits.deadline * (1 + limits.retries) + limits.scoring
        return waves * one + limits.grace

    def _collected(
        self, ref: Any, worker: Any, task: Task, runs: int, begun: float
    ) -> list[Trajectory]:
        try:
            group: list[Trajectory] = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            return _all_failed(task, runs, f"the graph worker raised {error.cause!r}", begun)
        except ray.exceptions.RayError as error:
            self._replace(worker)
            reason = f"the graph worker died: {str(error).splitlines()[0]}"
            return _all_failed(task, runs, reason, begun)
        return group

    def _replace(self, worker: Any) -> None:
        """A new actor for a dead or stuck one; a second report about the same one does nothing."""
        if worker in self._workers:
            ray.kill(worker)
            self._workers[self._workers.index(worker)] = self._start()


def _all_failed(task: Task, runs: int, reason: str, begun: float) -> list[Trajectory]:
    seconds = time.perf_counter() - begun
    return [Trajectory(task, failure=reason, seconds=seconds) for _ in range(runs)]

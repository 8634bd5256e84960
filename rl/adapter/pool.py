"""The trainer's view of the graph workers: groups out, trajectories back, nothing ever hangs.

A worker that dies or stops answering costs its own groups only: they come back failed, the worker
is started anew, and the step goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from agentflow_graph.context import Context
from agentflow_graph.policy import Sampling
from rl.adapter.worker import GraphWorker, Limits
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
    ) -> None:
        self._limits = limits
        actor: Any = ray.remote(worker_class).options(
            num_cpus=0, max_restarts=-1, max_concurrency=1000
        )
        self._workers: list[Any] = [
            actor.remote(engines, planner, context, limits) for _ in range(workers)
        ]

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
        pending = {
            self._workers[i % len(self._workers)].run_group.remote(task, runs, sampling): i
            for i, task in enumerate(tasks)
        }
        until = time.monotonic() + self._patience(len(tasks) * runs)
        while pending and time.monotonic() < until:
            ready, _ = ray.wait(list(pending), num_returns=1, timeout=1.0)
            for ref in ready:
                index = pending.pop(ref)
                groups[index] = self._collected(ref, tasks[index], runs, begun)
                done(groups[index])
        for worker in {index % len(self._workers) for index in pending.values()}:
            ray.kill(self._workers[worker], no_restart=False)
        for index in pending.values():
            reason = "the graph worker did not answer in time and was replaced"
            groups[index] = _all_failed(tasks[index], runs, reason, begun)
            done(groups[index])
        return [groups[i] for i in range(len(tasks))]

    def _patience(self, runs: int) -> float:
        waves = math.ceil(runs / (len(self._workers) * self._limits.in_flight))
        return waves * self._limits.deadline * (1 + self._limits.retries) + self._limits.grace

    def _collected(self, ref: Any, task: Task, runs: int, begun: float) -> list[Trajectory]:
        try:
            group: list[Trajectory] = ray.get(ref)
        except ray.exceptions.RayError as error:
            reason = f"the graph worker died: {str(error).splitlines()[0]}"
            return _all_failed(task, runs, reason, begun)
        return group


def _all_failed(task: Task, runs: int, reason: str, begun: float) -> list[Trajectory]:
    seconds = time.perf_counter() - begun
    return [Trajectory(task, failure=reason, seconds=seconds) for _ in range(runs)]

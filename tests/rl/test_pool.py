"""A worker that dies, hangs or raises costs its own groups only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agentflow_graph.context import Context
from agentflow_graph.policy import Sampling
from rl.adapter.worker import GraphWorker, Limits
from rl.rollout import Task, Trajectory

pytestmark = pytest.mark.integration


class FaultyWorker(GraphWorker):
    """Does what the question says; never touches an engine."""

    def __init__(self, *_: Any) -> None:
        pass

    async def warm_up(self) -> None:
        pass

    async def run_group(self, task: Task, runs: int, sampling: Sampling) -> list[Trajectory]:
        if task.question == "die":
            os._exit(1)
        if task.question == "block":
            time.sleep(600)  # blocks the worker's event loop: no deadline inside can fire
        if task.question == "raise":
            raise ValueError("injected")
        return [Trajectory(task, reward=1.0)] * runs


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    import ray

    from rl.adapter.launch import start_ray

    # The worker class lives in this file, which is no importable module: pickle it whole.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    start_ray(on_cpu=True)
    yield
    ray.shutdown()


def pool_of(workers: int) -> Any:
    from rl.adapter.pool import WorkerPool

    limits = Limits(deadline=1.0, grace=8.0, retries=0, in_flight=8, window=64)
    return WorkerPool([], "", Context(), limits, workers, FaultyWorker)


def asked(*questions: str) -> list[Task]:
    return [Task(str(i), question, ("gold",)) for i, question in enumerate(questions)]


def outcomes(groups: list[list[Trajectory]]) -> list[str]:
    return [group[0].failure[:30] if group[0].failure else "ok" for group in groups]


def test_groups_come_back_in_order() -> None:
    groups = pool_of(2).run(asked(*"abcdef"), 3, Sampling())
    assert [group[0].task.question for group in groups] == list("abcdef")
    assert all(len(group) == 3 for group in groups)


def test_a_raising_group_is_marked_and_the_others_stay() -> None:
    groups = pool_of(1).run(asked("a", "raise", "b"), 2, Sampling())
    assert [o == "ok" for o in outcomes(groups)] == [True, False, True]
    assert "injected" in groups[1][0].failure
    assert len(groups[1]) == 2


def test_a_dead_worker_is_started_anew() -> None:
    pool = pool_of(2)
    first = outcomes(pool.run(asked("a", "die"), 2, Sampling()))
    assert first[0] == "ok"
    assert first[1].startswith("the graph worker died")
    assert outcomes(pool.run(asked("a", "b"), 2, Sampling())) == ["ok", "ok"]


def test_a_blocked_worker_is_replaced_within_its_patience() -> None:
    pool = pool_of(2)
    begun = time.monotonic()
    first = outcomes(pool.run(asked("a", "block"), 2, Sampling()))
    assert time.monotonic() - begun < 30
    assert first[0] == "ok"
    assert first[1].startswith("the graph worker did not an")
    assert outcomes(pool.run(asked("a", "b"), 2, Sampling())) == ["ok", "ok"]

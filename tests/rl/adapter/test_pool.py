"""A worker that dies is replaced and repeats only what had not ended; one that hangs costs that."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.context import Context
from agentflow_graph.models.policy import Sampling
from agentflow_graph.record import RecordError
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.reward.task import Task
from rl.rollout import Trajectory, finished_runs
from rl.run.record import TrainingRecord, rows

pytestmark = pytest.mark.integration


class FaultyWorker(GraphWorker):
    """Does what the question says, after its first run has ended; never touches an engine."""

    def __init__(
        self,
        engines: Any,
        planner: str,
        context: Context,
        limits: Limits,
        record: TrainingRecord,
        reward: Any,
    ) -> None:
        self.limits, self.record = limits, record

    async def warm_up(self) -> None:
        pass

    async def run_group(
        self, task: Task, batch: Batch, place: int | None = None
    ) -> list[Trajectory]:
        chapter = self.record.chapter(batch.name)
        known = (task.id, 0) in finished_runs(chapter)
        first = Trajectory(task, failure="the first", fault="judge")
        if not known:
            chapter.write(first.outcome_event(batch.name, 0))
        if task.question == "die" or (task.question == "die once" and not known):
            os._exit(1)
        if task.question == "block":
            time.sleep(600)  # blocks the worker's event loop: no deadline inside can fire
        if task.question == "slow":
            await asyncio.sleep(3)
        if task.question == "raise":
            raise ValueError("injected")
        if task.question == "full":
            raise RecordError("no room in /somewhere")
        return [first, *[Trajectory(task, reward=float(known))] * (batch.runs - 1)]


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    import ray

    from rl.adapter.stack.cluster import start_ray

    # The worker class lives in this file, which is no importable module: pickle it whole.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    start_ray(on_cpu=True)
    yield
    ray.shutdown()


@pytest.fixture
def pool_of(tmp_path: Path) -> Any:
    from rl.adapter.workers.pool import WorkerPool

    def make(workers: int, grace: float = 8.0) -> WorkerPool:
        limits = Limits(deadline=1.0, grace=grace, retries=1, in_flight=8, window=64)
        record = TrainingRecord(tmp_path / "record")
        return WorkerPool([], "", Context(), limits, workers, record, FaultyWorker)

    return make


def asked(*questions: str) -> list[Task]:
    return [Task(str(i), question, ("gold",)) for i, question in enumerate(questions)]


def batch(name: str, runs: int = 2) -> Batch:
    return Batch(name, runs, Sampling())


def outcomes(groups: list[list[Trajectory]]) -> list[str]:
    """How the last run of each group ended; the first one always ended before any fault."""
    assert all(group[0].failure == "the first" for group in groups)
    return [group[-1].failure[:30] if group[-1].failure else "ok" for group in groups]


def test_groups_come_back_in_order(pool_of: Any) -> None:
    groups = pool_of(2).run(asked(*"abcdef"), batch("train-00001", 3))
    assert [group[0].task.question for group in groups] == list("abcdef")
    assert all(len(group) == 3 for group in groups)


def test_a_raising_group_is_marked_and_the_others_stay(pool_of: Any) -> None:
    groups = pool_of(1).run(asked("a", "raise", "b"), batch("train-00001"))
    assert [o == "ok" for o in outcomes(groups)] == [True, False, True]
    assert "injected" in groups[1][1].failure
    assert len(groups[1]) == 2


def test_a_dead_worker_is_started_anew_and_repeats_what_had_not_ended(pool_of: Any) -> None:
    pool = pool_of(2)
    groups = pool.run(asked("a", "die once"), batch("train-00001"))
    assert outcomes(groups) == ["ok", "ok"]
    assert [group[1].reward for group in groups] == [0.0, 1.0], "the second had to be sent again"
    assert outcomes(pool.run(asked("a", "b"), batch("train-00002"))) == ["ok", "ok"]


def test_a_group_that_kills_its_workers_is_given_up(pool_of: Any, tmp_path: Path) -> None:
    pool = pool_of(2, grace=60.0)
    first = outcomes(pool.run(asked("a", "die"), batch("train-00001")))
    assert first[0] == "ok"
    assert first[1].startswith("the graph worker died")
    kept = {row["id"]: row["failure"] for row in rows(tmp_path / "record" / "train-00001")}
    assert kept == {"0": "the first", "1": "the first"}, "a death is no outcome: resumed, it runs"
    assert outcomes(pool.run(asked("a", "b"), batch("train-00002"))) == ["ok", "ok"]


def test_a_blocked_worker_is_replaced_within_its_patience(pool_of: Any) -> None:
    pool = pool_of(2)
    begun = time.monotonic()
    first = outcomes(pool.run(asked("a", "block"), batch("train-00001")))
    assert time.monotonic() - begun < 30
    assert first[0] == "ok"
    assert first[1].startswith("the graph worker did not an")
    assert outcomes(pool.run(asked("a", "b"), batch("train-00002"))) == ["ok", "ok"]


def test_a_record_that_cannot_be_written_stops_everything(pool_of: Any) -> None:
    with pytest.raises(RecordError, match="no room in /somewhere"):
        pool_of(1).run(asked("a", "full"), batch("train-00001"))


def test_rollouts_go_on_while_the_caller_does_something_else(pool_of: Any) -> None:
    pool = pool_of(2)
    ahead = pool.submit(asked("a", "die once"), batch("train-00002"))
    assert outcomes(pool.run(asked("c"), batch("train-00001"))) == ["ok"]
    assert outcomes(pool.collect(ahead)) == ["ok", "ok"]


def _nobody(*_: Any) -> Any:
    """Nothing is resumed here."""
    raise AssertionError


def test_a_late_group_goes_on_and_is_there_for_the_next_step(pool_of: Any, tmp_path: Path) -> None:
    from rl.adapter.workers.closing import EarlyClose

    pool = pool_of(2, grace=90.0)
    pool.run(asked("a", "b"), batch("heldout-00000-0.7"))  # both workers are there
    closing = EarlyClose(pool, tmp_path / "record", 0.5, 3, _nobody)
    first = pool.submit(asked("slow", "a", "b"), batch("train-00001"))
    _, groups = closing.gathered(1, first)
    assert [group[0].task.question for group in groups] == ["a", "b"]
    # Its worker dies with it meanwhile: it is sent again, as ever.
    others = pool.submit(asked("die once", "c"), batch("train-00002"))
    told, groups = closing.gathered(2, others)
    assert (told[0].task.question, told[0].batch.name) == ("slow", "train-00001")
    assert [group[0].task for group in groups] == [one.task for one in told]
    assert outcomes(groups)[0] == "ok"
    _, groups = closing.gathered(3, pool.submit(asked("d"), batch("train-00003")))
    assert groups[-1][0].task.question == "d"

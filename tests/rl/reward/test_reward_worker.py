"""A graph worker in a Ray process of its own builds the reward and grades what it ran."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import own_rewards
import pytest
from answering import Answering, Reply

from agentflow_graph.context import Context
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.models.strings import NANO
from rl.adapter.workers.worker import Batch, Limits
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord, rows
from rl.settings.config import RewardSettings

pytestmark = pytest.mark.integration

PLAN = "Context: 6 * 7\nSub-Goal: compute the value\nTool Name: wikipedia_search"
TASK = Task("t", "Who is the mayor of Old Harbor?", ("Mira Voss",))


class Engine:
    """An engine that says one thing."""

    async def lost_weights(self) -> None:
        await asyncio.Event().wait()  # never

    async def generate_ids(
        self, prompt_ids: list[int], sampling: Sampling, eos_id: int
    ) -> Completion:
        ids = [*PolicyTokenizer.load(NANO).encode(PLAN), eos_id]
        return Completion(ids, [-1.0] * len(ids), "stop", 3)


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    import ray

    from rl.adapter.stack.cluster import start_ray

    # The class lives in this file, which is no importable module: pickle it whole.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with pytest.MonkeyPatch.context() as patch:  # as a user names the folder of own functions
        patch.setenv("PYTHONPATH", str(Path(own_rewards.__file__).parent))
        start_ray(on_cpu=True)
    yield
    ray.shutdown()


def run_with(reward: RewardSettings, folder: Path) -> list[Trajectory]:
    import ray

    from rl.adapter.workers.pool import WorkerPool

    engine = ray.remote(Engine).options(num_cpus=0).remote()
    limits = Limits(60.0, 30.0, retries=0, in_flight=8, window=512, scoring=reward.longest)
    context = Context(layout="terse", max_turns=1, repairs=0, tools="wikipedia_search")
    record = TrainingRecord(folder)
    pool = WorkerPool([engine], str(NANO), context, limits, 1, record, reward=reward)
    return pool.run([TASK], Batch("train-00001", 2, Sampling(1.0, 32)))[0]


def test_a_function_by_import_path_grades_in_the_worker(tmp_path: Path) -> None:
    for run in run_with(RewardSettings(kind="own_rewards:brief"), tmp_path / "brief"):
        assert (run.failure, run.reward) == ("", 0.0)
        assert run.grade is not None
        assert run.grade.by == "function:own_rewards:brief"
    for run in run_with(RewardSettings(kind="own_rewards:nan"), tmp_path / "nan"):
        assert (run.reward, run.actions) == (None, [])
        assert "returned nan" in run.failure


def test_a_judge_grades_in_the_worker_and_its_silence_leaves_runs_unscored(tmp_path: Path) -> None:
    with Answering([Reply(400, "no such model")]) as server:
        judge = f"vllm:judge@{server.url}/v1"
        runs = run_with(RewardSettings(kind="rule_then_judge", judge=judge, seconds=20), tmp_path)
    assert [run.reward for run in runs] == [None, None]
    assert all(run.failure.startswith("judge: refused") for run in runs)
    assert len(server.asked) == 2
    assert [row["reward"] for row in rows(tmp_path)] == [None, None]
    assert all(row["state"]["answer"] for row in rows(tmp_path)), "the runs themselves are whole"

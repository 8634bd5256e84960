"""A step may close before its last groups are done; late ones serve the next, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from agentflow_graph.errors import SettingError
from rl.adapter.workers.closing import made_up
from rl.adapter.workers.pool import PendingBatch
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.adapter.workers.worker import Batch
from rl.questions import data
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.saved.closed import closed_steps
from rl.settings.config import Config
from rl.settings.yaml_file import read


@pytest.mark.parametrize(
    ("done", "carried", "share", "members"),
    [
        ("++-+", 0, 0.75, [0, 1, 3]),
        ("++--", 0, 0.75, None),
        ("++++", 0, 0.75, [0, 1, 2, 3]),
        ("+++-", 0, 1.0, None),
        ("-+++", 1, 0.5, None),  # late twice it would be
        ("+-+-", 1, 0.5, None),  # one of its own three is not half
        ("+-++", 1, 0.5, [0, 2, 3]),
        ("+++++++---", 0, 0.7, [0, 1, 2, 3, 4, 5, 6]),  # 0.7 * 10 is a little more than 7
        ("---+", 0, 0.01, [3]),
        ("----", 0, 0.01, None),  # a step is never empty
    ],
)
def test_which_groups_make_up_a_step(
    done: str, carried: int, share: float, members: list[int] | None
) -> None:
    assert made_up([one == "+" for one in done], carried, share) == members


class Pool:
    """Ends groups one after another when somebody waits, those in `slow` last."""

    def __init__(self, slow: set[str], by_world: set[str] | None = None) -> None:
        self.slow, self.by_world = slow, by_world or set()
        self.log: list[tuple[str, tuple[str, ...]]] = []

    def submit(self, tasks: Sequence[Task], batch: Batch) -> PendingBatch:
        self.log.append((batch.name, tuple(task.id for task in tasks)))
        return PendingBatch(tasks, batch)

    def wait(self, batches: Sequence[PendingBatch], enough: Callable[[], bool]) -> None:
        open_groups = [(b, i) for b in batches for i in b.left if i not in b.groups]
        for pending, index in sorted(open_groups, key=lambda g: g[0].tasks[g[1]].id in self.slow):
            if enough():
                return
            pending.groups[index] = self._group(pending.tasks[index], pending.batch)

    def run(self, tasks: Sequence[Task], batch: Batch) -> list[list[Trajectory]]:
        self.by_world.clear()  # it is back
        pending = self.submit(tasks, batch)
        return [self._group(task, batch) for task in pending.tasks]

    def _group(self, task: Task, batch: Batch) -> list[Trajectory]:
        if task.id in self.by_world:
            return [Trajectory(task, failure="no server", fault="world")] * batch.runs
        return [Trajectory(task, reward=float(n % 2)) for n in range(batch.runs)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    rollout = {"questions": 4, "group_size": 2, "close": 0.5}
    about = {"run": str(tmp_path / "run"), "steps": 3, "model": {"path": "m"}, "rollout": rollout}
    return Config.model_validate({**about, "data": {"heldout_n": 5}})


def generator(config: Config, pool: Pool) -> FlowSamplesGenerator:
    if not (config.run / "data").exists():
        data.write(config)
    strategy = SimpleNamespace(args=SimpleNamespace(vllm=SimpleNamespace(enable_sleep=False)))
    return FlowSamplesGenerator(strategy, config, pool, [])  # type: ignore[arg-type]


def asked(samples: list[Trajectory]) -> list[str]:
    """Questions of the groups, in their order."""
    assert all(a.task.id == b.task.id for a, b in zip(samples[::2], samples[1::2], strict=True))
    return [run.task.id for run in samples[::2]]


def test_late_groups_serve_the_next_step_and_the_last_step_waits_for_all(config: Config) -> None:
    pool = Pool(set())
    samples = generator(config, pool)
    ids = [task.id for task in samples.train]
    pool.slow |= {ids[0], ids[3], ids[5]}
    assert asked(samples.of_step(1)) == ids[1:3]
    assert samples.counts == {"groups_late": 2, "groups_carried": 0}
    # What was late comes first; of its own two are enough.
    assert asked(samples.of_step(2)) == [ids[0], ids[3], ids[4], ids[6], ids[7]]
    assert samples.counts == {"groups_late": 1, "groups_carried": 2}
    assert asked(samples.of_step(3)) == [ids[5], *ids[8:12]]
    assert samples.counts == {"groups_late": 0, "groups_carried": 1}
    assert [len(names) for _, names in pool.log] == [4, 4, 4], "each question once"


def test_a_resumed_run_makes_its_steps_of_the_same_groups(config: Config) -> None:
    pool = Pool(set())
    samples = generator(config, pool)
    ids = [task.id for task in samples.train]
    pool.slow |= {ids[0], ids[5]}
    steps = [asked(samples.of_step(step)) for step in (1, 2)]
    with (config.run / "record" / "closed.jsonl").open("ab") as file:
        file.write(b'{"step":3,"carr')  # killed while it closed the third
    late = closed_steps(config.run / "record")[1].late
    again = Pool(set())  # whatever was slow is on record now
    resumed = generator(config, again)
    resumed.recall(1)
    assert again.log == [("train-00001", tuple(late))], "what was done is not asked again"
    assert asked(resumed.of_step(2)) == steps[1]
    assert len(asked(resumed.of_step(3))) == 5
    assert set(closed_steps(config.run / "record")) == {1, 2, 3}


def test_what_the_world_failed_is_asked_again_where_it_was_asked_before(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rl.adapter.workers.outage.FIRST", 0.0)
    pool = Pool(set())
    samples = generator(config, pool)
    ids = [task.id for task in samples.train]
    pool.slow |= {ids[0], ids[1]}
    samples.of_step(1)
    pool.by_world |= {ids[0], ids[4]}
    runs = samples.of_step(2)
    assert all(run.reward is not None for run in runs)
    assert pool.log[2:] == [("train-00001", (ids[0],)), ("train-00002", (ids[4],))]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["algorithm.correction=none"], "close=0.8 needs algorithm.correction=clip or mask"),
        (["deterministic=true"], "close=0.8 needs deterministic=false"),
        (
            [
                "engine.device=gpu",
                "model.dtype=bf16",
                "placement.colocate=all",
                "engine.sleep=true",
            ],
            "close=0.8 needs engine.sleep=false",
        ),
        (["rollout.close=0"], "rollout.close=0"),
        (["record.keep=3"], "record.keep=3 needs save_every"),
    ],
)
def test_what_early_closing_needs_is_said(settings: list[str], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read(Config, Path("rl/configs/nano.yaml"), ["rollout.close=0.8", *settings])


def test_each_token_is_corrected_by_its_own_distance() -> None:
    """Turns of a late run are of two versions: each token's weight is that of its own."""
    from openrlhf.models import PolicyLoss

    from rl.adapter.stack.arguments import openrlhf_args

    settings = ["rollout.close=0.8", "run=r", "model.path=m"]
    found = read(Config, Path("rl/configs/nano.yaml"), settings)
    chosen: Any = openrlhf_args(found).algo.advantage
    how = {
        "is_correction_level": chosen.is_correction_level,
        "is_correction_mode": chosen.is_correction_mode,
        "is_correction_threshold": chosen.is_correction_threshold,
    }
    now = torch.tensor([[-1.0, -2.0], [-0.5, -3.0]])
    sampled = torch.tensor([[-1.0, -2.3], [-0.5, -1.0]])  # the first of each turn is current

    def slopes(**more: Any) -> torch.Tensor:
        log_probs = now.clone().requires_grad_()
        loss = PolicyLoss(0.2, 0.3, **more)(
            log_probs, now, torch.ones(2, 2), torch.ones(2, 2), sampled
        )[0]
        (slope,) = torch.autograd.grad(loss, log_probs)
        return slope

    weights = slopes(**how) / slopes()
    wanted = (now - sampled).exp().clamp(0.5, 2.0)
    torch.testing.assert_close(weights, wanted)
    assert wanted.tolist() == [[1.0, pytest.approx(1.35, abs=0.01)], [1.0, 0.5]]

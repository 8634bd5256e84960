"""Which questions a step asks, ahead of it and again, is a matter of record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kept import keep

from agentflow_graph.errors import SettingError
from rl.adapter.workers.samples import FlowSamplesGenerator
from rl.adapter.workers.worker import Batch
from rl.questions import data
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord, train_batch
from rl.settings.config import Config
from rl.settings.yaml_file import read


class Pool:
    """Gives the rewards that a function of question and run says; keeps what it was asked."""

    def __init__(self, reward: Callable[[Task, int], float | None]) -> None:
        self.reward = reward
        self.log: list[tuple[str, str, tuple[str, ...]]] = []

    def submit(self, tasks: Sequence[Task], batch: Batch) -> Any:
        self.log.append(("submit", batch.name, tuple(task.id for task in tasks)))
        return tasks, batch

    def collect(self, flight: Any) -> list[list[Trajectory]]:
        tasks, batch = flight
        self.log.append(("collect", batch.name, ()))
        return [
            [Trajectory(task, reward=self.reward(task, n)) for n in range(batch.runs)]
            for task in tasks
        ]

    def run(self, tasks: Sequence[Task], batch: Batch) -> list[list[Trajectory]]:
        return self.collect(self.submit(tasks, batch))

    def asked(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(name, tasks) for event, name, tasks in self.log if event == "submit"]


def config_of(folder: Path, **more: Any) -> Config:
    record: dict[str, Any] = {
        "run": str(folder / "run"),
        "steps": 4,
        "model": {"path": "m"},
        "data": {"heldout_n": 5},
        "rollout": {"questions": 3, "group_size": 2},
    }
    for section, values in more.items():
        record[section] = {**record.get(section, {}), **values}
    return Config.model_validate(record)


def generator(config: Config, pool: Pool) -> FlowSamplesGenerator:
    if not (config.run / "data").exists():
        data.write(config)
    strategy = SimpleNamespace(args=SimpleNamespace(vllm=SimpleNamespace(enable_sleep=False)))
    return FlowSamplesGenerator(strategy, config, pool, [])  # type: ignore[arg-type]


def even(task: Task, run: int) -> float:
    return float(run % 2)


def test_a_step_has_the_questions_at_its_place(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    pool = Pool(even)
    samples = generator(config, pool)
    ids = [task.id for task in samples.train]
    for step in (1, 2, 3, 4):
        assert len(samples.of_step(step)) == 6
    assert [tasks for _, tasks in pool.asked()] == [tuple(ids[i : i + 3]) for i in (0, 3, 6, 9)]
    again = Pool(even)
    generator(config, again).of_step(3)
    assert again.asked() == [pool.asked()[2]], "whatever was asked before"


@pytest.mark.parametrize("ahead", [1, 2, 9])
def test_rollouts_of_the_next_steps_are_under_way_when_a_step_is_trained_on(
    tmp_path: Path, ahead: int
) -> None:
    pool = Pool(even)
    samples = generator(config_of(tmp_path, rollout={"max_steps_ahead": ahead}), pool)
    for step in (1, 2, 3, 4):
        samples.of_step(step)
        submitted = {name for name, _ in pool.asked()}
        wanted = {f"train-{n:05d}" for n in range(1, min(step + ahead, 4) + 1)}
        assert submitted == wanted
    assert len(pool.asked()) == 4, "each step once"


def test_questions_without_spread_are_replaced_and_counted(tmp_path: Path) -> None:
    dull: set[str] = set()
    pool = Pool(lambda task, run: 1.0 if task.id in dull else float(run % 2))
    samples = generator(config_of(tmp_path, rollout={"refills": 2}), pool)
    ids = [task.id for task in samples.train]
    assert len(ids) == 4 * 3 * 3
    dull |= {ids[0], ids[2], ids[3]}
    groups = samples.of_step(1)
    asked = [tasks for _, tasks in pool.asked()]
    assert asked == [tuple(ids[:3]), (ids[3], ids[4]), (ids[5],)]
    assert {name for name, _ in pool.asked()} == {"train-00001"}, "one chapter of the record"
    assert [run.task.id for run in groups][::2] == ids[:6], "what is dropped is still on record"
    samples.of_step(2)
    assert pool.asked()[3][1] == tuple(ids[9:12]), "whatever the first step replaced"


def test_replacing_ends_with_the_questions_of_the_step(tmp_path: Path) -> None:
    pool = Pool(lambda *_: 0.0)
    generator(config_of(tmp_path, rollout={"refills": 2}), pool).of_step(1)
    assert [len(tasks) for _, tasks in pool.asked()] == [3, 3, 3]


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_resumed_curriculum_asks_what_it_would_have_asked(tmp_path: Path, ahead: int) -> None:
    more = {
        "rollout": {"max_steps_ahead": ahead, "outage_share": 1.0},
        "data": {"curriculum": True, "curriculum_pool": 40},
    }
    config = config_of(tmp_path, **more)

    def hard(task: Task, run: int) -> float | None:
        return None if task.id.endswith("7") else float(int(task.id[-2:]) % 3 == 0)

    pool, later = Pool(hard), Pool(hard)
    record = TrainingRecord(config.run / "record")
    samples = generator(config, pool)
    for step in (1, 2, 3, 4):
        for place, run in enumerate(samples.of_step(step)):
            # As a worker does; where rollouts run ahead, more is on record than the resumed
            # run may know.
            keep(record.chapter(train_batch(step)), train_batch(step), place % 2, _ended(run))
    resumed = generator(config, later)
    resumed.recall(2)
    for step in (3, 4):
        resumed.of_step(step)
    assert later.asked() == [batch for batch in pool.asked() if batch[0] > "train-00002"]


def _ended(run: Trajectory) -> Trajectory:
    failure = "it broke" if run.reward is None else ""
    return replace(run, state={"turns": []}, failure=failure)


def test_evaluations_have_chapters_of_their_own(tmp_path: Path) -> None:
    pool = Pool(even)
    samples = generator(config_of(tmp_path), pool)
    for temperature in (0.7, 0.0):
        assert len(samples.evaluate(10, temperature)) == 5
    assert [name for name, _ in pool.asked()] == ["heldout-00010-0.7", "heldout-00010-0.0"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["deterministic=true", "rollout.max_steps_ahead=1"], "needs rollout.max_steps_ahead=0"),
        (["deterministic=true", "engine.count=2"], "engine.count=1"),
        (["rollout.max_steps_ahead=-1"], "rollout.max_steps_ahead=-1"),
        (["data.curriculum_floor=0"], "data.curriculum_floor=0"),
        (["algorithm.correction=sometimes"], "algorithm.correction='sometimes'"),
    ],
)
def test_what_does_not_go_together_is_refused(settings: list[str], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read(Config, Path("rl/configs/nano.yaml"), settings)


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        ([], "none"),
        (["rollout.max_steps_ahead=1"], "clip"),
        (["rollout.max_steps_ahead=1", "algorithm.correction=none"], "none"),
        (["algorithm.correction=mask"], "mask"),
    ],
)
def test_rollouts_ahead_are_corrected_unless_told_otherwise(settings: list[str], mode: str) -> None:
    from rl.adapter.stack.flags import flags

    words = flags(read(Config, Path("rl/configs/nano.yaml"), settings))
    assert ("--algo.advantage.is_correction_level" in words) == (mode != "none")
    if mode != "none":
        place = words.index("--algo.advantage.is_correction_mode")
        assert words[place + 1] == mode
        place = words.index("--algo.advantage.is_correction_threshold")
        assert words[place + 1 : place + 3] == ["0.5", "2.0"]

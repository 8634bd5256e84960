"""Parts of a record whose steps are done are packed; old ones go where no checkpoint needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kept import keep

from agentflow_graph.errors import SettingError
from rl.rollout import Trajectory, finished_runs
from rl.run.record import TrainingRecord, heldout_batch, rows, train_batch
from rl.run.saved.claims import claims
from rl.run.saved.closed import Closed, add
from rl.run.saved.parts import outcomes_of, step_of, tidied
from rl.settings.config import Config

Make = Callable[..., Trajectory]


@pytest.fixture
def run(tmp_path: Path, trajectory: Make) -> Path:
    """Five steps of two questions, an evaluation before and one after step 2, checkpoints 2, 4."""
    record = TrainingRecord(tmp_path / "record")
    for step in range(1, 6):
        for name in "ab":
            batch = train_batch(step)
            keep(record.chapter(batch), batch, 0, trajectory(f"{name}{step}", 1.0))
    for step in (0, 2):
        batch = heldout_batch(step, 0.7)
        keep(record.chapter(batch), batch, 0, trajectory("h", 0.0))
    for step in (2, 4):
        (tmp_path / "checkpoints" / "_actor" / f"global_step{step}").mkdir(parents=True)
    record.settle(4)
    return tmp_path


def parts(run: Path, suffix: str) -> list[str]:
    return sorted({path.parent.name for path in (run / "record").glob(f"*/*{suffix}")})


def test_what_is_done_is_packed_but_for_the_last_step(run: Path) -> None:
    record, before = TrainingRecord(run / "record"), rows(run / "record")
    record.chapter(train_batch(2)).write({"event": "note", "run": "x"})
    tidied(run, record, 4, 0)
    assert parts(run, ".jsonl") == [train_batch(4), train_batch(5)], "a late run may still write"
    assert len(parts(run, ".zst")) == 5
    assert rows(run / "record") == before
    assert record.calls() == (12, 12)
    # A resumed run finds what was done, and adds to it.
    again = TrainingRecord(run / "record").chapter(train_batch(2))
    assert set(finished_runs(again)) == {("a2", 0), ("b2", 0)}


def test_what_no_checkpoint_needs_goes_and_what_it_taught_stays(
    run: Path, trajectory: Make
) -> None:
    record, told = TrainingRecord(run / "record"), outcomes_of(run / "record", 1)
    assert told == [("a1", 1.0), ("b1", 1.0)]
    tidied(run, record, 5, 1)
    left = [heldout_batch(0, 0.7), heldout_batch(2, 0.7), *map(train_batch, (2, 3, 4, 5))]
    assert sorted(p.name for p in (run / "record").glob("*-*")) == sorted(left)
    assert outcomes_of(run / "record", 1) == told
    assert record.calls() == (12, 12), "calls that were made were made"
    tidied(run, record, 5, 0)
    assert outcomes_of(run / "record", 1) == told


def test_nothing_goes_before_there_is_a_checkpoint(run: Path) -> None:
    for folder in (run / "checkpoints" / "_actor").iterdir():
        folder.rmdir()
    tidied(run, TrainingRecord(run / "record"), 5, 1)
    assert len(list((run / "record").glob("*-*"))) == 7


def test_a_late_group_taught_the_step_that_it_served(run: Path) -> None:
    add(run / "record", Closed(1, [], ["a1"], ["b1"]))
    add(run / "record", Closed(2, ["b1"], ["a2", "b2"], []))
    assert outcomes_of(run / "record", 1) == [("a1", 1.0)]
    assert outcomes_of(run / "record", 2) == [("b1", 1.0), ("a2", 1.0), ("b2", 1.0)]
    assert outcomes_of(run / "record", 3) == [("a3", 1.0), ("b3", 1.0)]


def test_a_run_without_all_of_its_record_cannot_be_verified(tmp_path: Path) -> None:
    about = {"run": str(tmp_path), "model": {"path": "m"}, "deterministic": True}
    config = Config.model_validate({**about, "save_every": 5, "record": {"keep": 9}})
    with pytest.raises(SettingError, match="the last 9 steps .* Train with record.keep=0"):
        claims(config)


@pytest.mark.parametrize(
    ("name", "step"),
    [("train-00012", 12), ("heldout-00010-0.7", 10), ("my-set-00007-0.0", 7), ("a-b", -1)],
)
def test_a_part_is_named_by_its_step(name: str, step: int) -> None:
    assert step_of(name) == step

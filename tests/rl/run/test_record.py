"""The record of a training run: what is found again, seeds, calls that were made, its chapters."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from kept import keep

from agentflow_graph.errors import SettingError
from agentflow_graph.record import Record, RecordError, read
from agentflow_graph.record.reading import files_of
from rl.rollout import Trajectory, finished_runs
from rl.run.record import TrainingRecord, heldout_batch, refuse_old, train_batch

Make = Callable[..., Trajectory]
REQUEST = {"model": "m", "messages": []}
BATCH = train_batch(1)


async def ask(chapter: Record, run: str, *values: str, node: str = "planner") -> list[str]:
    """Make a call for each value; returns those values that were really asked for."""
    asked = []
    for turn, value in enumerate(values, 1):

        async def answer(value: str = value) -> dict[str, Any]:
            asked.append(value)
            if value == "lost":
                raise KeyboardInterrupt  # as a kill: neither answered nor failed
            return {"text": value}

        try:
            await chapter.run(run).call(node, turn, 0, REQUEST, answer)
        except KeyboardInterrupt:
            break
    return asked


async def test_another_process_finds_answers_and_ended_runs(
    tmp_path: Path, trajectory: Make
) -> None:
    chapter = TrainingRecord(tmp_path).chapter(BATCH)
    assert await ask(chapter, "q1/2/0", "one", "two") == ["one", "two"]
    ended = trajectory("q2", 1.0, turns=2)
    ended.state["answer"] = "a\ud800"
    ended.state["turns"][0]["calls"][0]["arguments"] = {"n": [2**70, float("nan")]}
    keep(chapter, BATCH, 0, ended)
    other = TrainingRecord(tmp_path).chapter(BATCH)
    assert await ask(other, "q1/2/0", "one", "two", "three") == ["three"]
    assert await ask(other, "q1/3/0", "one") == ["one"], "another run of the question"
    assert await ask(other, "q1/2/1", "one") == ["one"], "another attempt"
    event, run = finished_runs(other)["q2", 0]
    again = Trajectory.recalled(ended.task, event, run)
    assert again.actions == ended.actions
    assert (again.reward, again.seconds, again.attempts) == (1.0, 2.0, 1)
    assert again.state["answer"] == "a?"
    arguments = again.state["turns"][0]["calls"][0]["arguments"]
    assert arguments == {"n": [str(2**70), None]}
    assert not TrainingRecord(tmp_path).chapter(train_batch(2)).known


def test_seeds_are_a_function_of_the_run_and_the_call(tmp_path: Path) -> None:
    record = TrainingRecord(tmp_path, seed=7)
    seeds = [record.sampling_seed(BATCH, "q", run, 0, 0) for run in range(50)]
    assert seeds[3] == 68907766772843027, "as version 0.1 drew it: runs stay comparable"
    assert record.sampling_seed("heldout-00010-0.7", "q/\xe4 'x'", 0, 1, 2) == 35723714032236983, (
        "that version, too"
    )
    assert len(set(seeds)) == 50
    assert all(0 < seed < 2**63 for seed in seeds)
    assert TrainingRecord(tmp_path, seed=7).sampling_seed(BATCH, "q", 3, 0, 0) == seeds[3]
    others = [(BATCH, "r", 3, 0, 0), (BATCH, "q", 3, 1, 0), (BATCH, "q", 3, 0, 1)]
    others += [(train_batch(2), "q", 3, 0, 0)]
    assert len({seeds[3], *(record.sampling_seed(*other) for other in others)}) == 5
    assert TrainingRecord(tmp_path, seed=8).sampling_seed(BATCH, "q", 3, 0, 0) not in (0, seeds[3])
    assert TrainingRecord(tmp_path).sampling_seed(BATCH, "q", 3, 0, 0) == 0


async def test_a_sync_that_fails_is_an_error_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter = TrainingRecord(tmp_path).chapter(BATCH)
    await ask(chapter, "q/0/0", "one")
    await chapter.synced()
    await ask(chapter, "q/1/0", "one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordError, match="No space left"):
        await chapter.synced()
    with pytest.raises(RecordError, match="No space left"):
        await ask(chapter, "q/2/0", "one")
    monkeypatch.undo()


async def test_calls_are_counted_for_good_where_a_checkpoint_stands_for_them(
    tmp_path: Path,
) -> None:
    record = TrainingRecord(tmp_path)
    batches = (BATCH, heldout_batch(2, 0.7), train_batch(3))
    for batch in batches:
        await ask(record.chapter(batch), "q/0/0", "one", "lost")
        await ask(record.chapter(batch), "q/0/0", "a result", node="look_up")
    assert record.calls() == (6, 3), "of the planner"
    record.settle(2)
    settled = [orjson.loads(line) for line in (tmp_path / "calls.jsonl").read_bytes().splitlines()]
    assert settled == [[heldout_batch(2, 0.7), 2, 1], [BATCH, 2, 1]]
    assert record.calls() == TrainingRecord(tmp_path).calls() == (6, 3)
    assert len(read(tmp_path / BATCH)["q/0/0"].calls) == 3, "what was counted stays on record"
    await ask(TrainingRecord(tmp_path).chapter(BATCH), "q/1/0", "one")
    await ask(TrainingRecord(tmp_path).chapter(train_batch(3)), "q/1/0", "one")
    assert record.calls() == (7, 4), "the settled batch is not counted again"
    record.settle(3)
    record.settle(3)
    assert record.calls() == TrainingRecord(tmp_path).calls() == (7, 4)
    assert len((tmp_path / "calls.jsonl").read_bytes().splitlines()) == 3


async def test_few_chapters_stay_open_and_a_closed_one_is_read_again(tmp_path: Path) -> None:
    record = TrainingRecord(tmp_path)
    for step in range(20):
        await ask(record.chapter(train_batch(step)), "q/0/0", "one")
    open_files = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
    assert sum(str(tmp_path) in name for name in open_files) <= 4
    assert await ask(record.chapter(train_batch(0)), "q/0/0", "one", "two") == ["two"]
    assert record.calls() == (21, 21)


def _descriptors() -> list[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]


def test_a_forgotten_chapter_has_what_others_wrote_meanwhile(
    tmp_path: Path, trajectory: Make
) -> None:
    ours, theirs = TrainingRecord(tmp_path), TrainingRecord(tmp_path)
    assert finished_runs(ours.chapter(BATCH)) == {}
    keep(theirs.chapter(BATCH), BATCH, 0, trajectory("a", 1.0))
    assert finished_runs(ours.chapter(BATCH)) == {}, "read once"
    ours.forget(BATCH)
    ours.forget("never heard of")
    assert list(finished_runs(ours.chapter(BATCH))) == [("a", 0)]


async def test_a_pickled_record_is_another_processs(tmp_path: Path) -> None:
    record = TrainingRecord(tmp_path, seed=7)
    await ask(record.chapter(BATCH), "q/0/0", "one")
    copy = pickle.loads(pickle.dumps(record))
    assert (copy.folder, copy.seed, copy._chapters) == (tmp_path, 7, {})
    assert await ask(copy.chapter(BATCH), "q/0/0", "one", "two") == ["two"]
    assert len(files_of(tmp_path)) == 2, "each process writes a file of its own"
    with pytest.raises(TypeError, match="belongs to one process"):
        pickle.dumps(record.chapter(BATCH))
    error = pickle.loads(pickle.dumps(RecordError("no room")))
    assert (type(error), str(error)) == (RecordError, "no room"), "so it comes out of a worker"


def test_a_run_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    refuse_old(tmp_path)
    (tmp_path / "record").mkdir()
    refuse_old(tmp_path)
    (tmp_path / "journal").mkdir()
    with pytest.raises(SettingError, match=r"kept a journal.*with version 0\.1\.0"):
        refuse_old(tmp_path)

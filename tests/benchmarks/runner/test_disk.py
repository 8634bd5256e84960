"""What a run writes is on the disk, whole and in order, before it counts; and a disk may fill."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from quiz_runs import EACH_ONCE, N, Quiz, answered, copy_of, planned
from quizzes import QUIZ, quiz_benchmark

from agentflow_graph.record.events import Event
from agentflow_graph.record.reading import events
from benchmarks.errors import RunStopped
from benchmarks.runner.run import score
from benchmarks.runner.store.records import Records


class FullDisk:
    """The disk under a record takes so many bytes; the write that exceeds them is torn."""

    def __init__(self, record: Path, room: int) -> None:
        self._record, self._room, self._write = str(record), room, os.write

    def write(self, descriptor: int, data: bytes) -> int:
        if not os.readlink(f"/proc/self/fd/{descriptor}").startswith(self._record):
            return self._write(descriptor, data)
        if self._room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = data[: self._room]
        self._room -= len(part)
        return self._write(descriptor, part)


@pytest.mark.parametrize("room", [1, 700, 5_000, 8_000, 11_000])
async def test_a_full_disk_stops_the_run_which_resumes(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = Quiz(tmp_path)
    monkeypatch.setattr(os, "write", FullDisk(quiz.folder.record, room).write)
    outcomes = await quiz.run()
    monkeypatch.undo()
    stopped = [one for one in outcomes if one != "ok"]
    assert stopped and {type(one) for one in stopped} == {RunStopped}
    said = f"the record in {quiz.folder.record} cannot be written: No space left on device"
    assert all(said in str(one) and "then resume the run" in str(one) for one in stopped)
    before, called = planned(quiz), quiz.asked()
    assert called.total() <= len(before) + 1, "more was asked once the disk was full"
    known = Records.of(events(quiz.folder.record))
    assert len(known.scored[0]) == outcomes.count("ok")

    assert await quiz.run() == ["ok"] * N
    for name in before:
        assert quiz.asked()[name] == called[name] == 1
    assert planned(quiz) == EACH_ONCE


async def test_a_full_disk_stops_a_scoring_which_can_be_made_again(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = copy_of(finished, tmp_path)
    benchmarks = {QUIZ: quiz_benchmark()}
    monkeypatch.setattr(os, "write", FullDisk(quiz.folder.record, 900).write)
    with pytest.raises(RunStopped, match="No space left on device; make room there"):
        await score(quiz.folder, benchmarks)
    monkeypatch.undo()
    assert quiz.scores() == [1.0] * N, "a scoring that was broken off is not shown"
    assert await score(quiz.folder, benchmarks) == (1, 0)
    assert quiz.scores().count(1.0) == 4 and quiz.scores(0) == [1.0] * N


async def test_trials_side_by_side_keep_their_events_whole_and_in_order(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, n=40, concurrency=16)
    assert await quiz.run(delay=0.01, at_once=True) == ["ok"] * 40
    text = quiz.file().read_bytes()
    found = quiz.events()
    assert text.endswith(b"\n") and len(found) == text.count(b"\n")
    orders = {
        tuple(event["event"] for event in found if event.get("run") == f"{QUIZ}/q{n}/1")
        for n in range(40)
    }
    calls = ("asked", "answered") * 2  # the planner, the tool
    assert orders == {("begun", *calls, "verdict", "ended", "trial", "scored")}
    begun = [n for n, event in enumerate(found) if event["event"] == "begun"]
    assert begun[15] < next(n for n, event in enumerate(found) if event["event"] == "scored")


async def test_a_mark_is_on_the_disk_before_anybody_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = [0], os.fsync

    def noting(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        sync(descriptor)
        synced[0] = max(synced[0], size)

    seen: list[object] = []

    def on_end(mark: Event | None) -> None:
        assert mark
        lines = quiz.file().read_bytes()[: synced[0]]
        written = f'"event":"scored","run":"{QUIZ}/{mark["item"]}/1"'.encode()
        ended = f'"event":"trial","run":"{QUIZ}/{mark["item"]}/1"'.encode()
        seen.append(ended in lines and written in lines.partition(ended)[2])

    monkeypatch.setattr(os, "fsync", noting)
    quiz = Quiz(tmp_path, n=20)
    await quiz.run(at_once=True, on_end=on_end)
    assert seen == [True] * 20


async def test_text_that_no_file_takes_is_answered_once(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    odd = "Justification: \ud800 \u2028 " + "9" * 40 + "\n"
    assert await quiz.run(says=odd) == ["ok"] * N
    quiz.cut_after(answered("planner", item=N - 1))
    assert await quiz.run(says=odd) == ["ok"] * N
    assert quiz.asked() == EACH_ONCE
    assert quiz.scores() == [0.0, 1.0, 1.0] * 2

"""The finished runs of a record: whole, in order, and none that a kill or a full disk cut short."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kept import keep
from launched import ROOT, environment, run_program

from agentflow_graph.record import Record
from agentflow_graph.record.reading import files_of
from rl.rollout import Trajectory, finished_runs
from rl.run.record import TrainingRecord, heldout_batch, rows, train_batch

Make = Callable[..., Trajectory]
BATCH = train_batch(1)


def test_rows_are_whole_and_in_order_whoever_wrote_them(tmp_path: Path, trajectory: Make) -> None:
    """Two processes share a chapter: a worker that was killed, and the one after it."""
    runs = [
        trajectory("a", 1.0, turns=2, level="easy"),
        trajectory("b", None, level="hard", fault="judge"),
    ]
    keep(TrainingRecord(tmp_path).chapter(BATCH), BATCH, 1, runs[0])
    second = TrainingRecord(tmp_path).chapter(BATCH)
    keep(second, BATCH, 0, runs[1])
    keep(second, BATCH, 0, replace(runs[0], attempts=3), texts=["one", "two"])
    assert len(files_of(tmp_path / BATCH)) == 2
    found = rows(tmp_path / BATCH)
    assert [(row["id"], row["reward"], row["attempts"]) for row in found] == [
        ("a", 1.0, 3),
        ("a", 1.0, 1),
        ("b", None, 1),
    ]
    told = ("level", "golds", "failure", "seconds")
    assert [found[0][name] for name in told] == ["easy", ["4821"], "", 2.0]
    assert (found[2]["failure"], found[2]["state"]) == ("it broke", {"turns": []})
    calls = [call for turn in found[0]["state"]["turns"] for call in turn["planner"]]
    assert [call["text"] for call in calls] == ["one", "two"]
    for call, action in zip(calls, runs[0].actions, strict=True):
        assert {name: call[name] for name in vars(action)} == vars(action)
        assert (call["number"], call["output_tokens"]) == (0, len(action.token_ids))
    assert rows(tmp_path) == found, "of the whole record as of one batch"
    assert rows(tmp_path / train_batch(2)) == []


def test_a_run_counts_as_it_ended_last(tmp_path: Path, trajectory: Make) -> None:
    chapter = TrainingRecord(tmp_path).chapter(BATCH)
    keep(chapter, BATCH, 0, trajectory("a", 0.0))
    keep(chapter, BATCH, 0, replace(trajectory("a", 1.0), attempts=2))
    heldout = heldout_batch(1, 0.7)
    keep(TrainingRecord(tmp_path).chapter(heldout), heldout, 0, trajectory("a", 0.0, mark=20))
    found = [
        (row["batch"], row["reward"], row["state"]["turns"][0]["planner"][0]["token_ids"])
        for row in rows(tmp_path)
    ]
    assert found == [(heldout, 0.0, [20]), (BATCH, 1.0, [10])], "of each batch by itself"


@pytest.mark.parametrize(
    ("argument", "kept"), [(2**70, str(2**70)), ("a\ud800", "a?"), (float("nan"), None)]
)
def test_whatever_a_model_wrote_as_argument_is_kept(
    tmp_path: Path, trajectory: Make, argument: Any, kept: Any
) -> None:
    run = trajectory("a", 0.0)
    run.state["turns"][0]["calls"][0]["arguments"] = {"n": [argument]}
    for batch in (BATCH, heldout_batch(0, 0.7)):
        keep(TrainingRecord(tmp_path).chapter(batch), batch, 0, run)
        (row,) = rows(tmp_path / batch)
        assert row["state"]["turns"][0]["calls"][0]["arguments"] == {"n": [kept]}


@pytest.mark.parametrize("lost", [b'"answered"', b'"ended"', b'"finished"'])
def test_a_run_of_which_a_line_is_lost_has_not_ended(
    tmp_path: Path, trajectory: Make, lost: bytes
) -> None:
    """A power cut may take a line and spare one that came after it."""
    chapter = TrainingRecord(tmp_path).chapter(BATCH)
    for question in "ab":
        keep(chapter, BATCH, 0, trajectory(question, 1.0, turns=2))
    (path,) = files_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    torn = next(number for number, line in enumerate(lines) if lost in line)
    lines[torn] = lines[torn][:-20] + b"\0" * 19 + b"\n"
    path.write_bytes(b"".join(lines))
    assert [row["id"] for row in rows(tmp_path)] == ["b"]
    assert list(finished_runs(Record(tmp_path / BATCH))) == [("b", 0)]


WRITER = """
import sys
from pathlib import Path
from typing import Any
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord
from rl.reward.task import Task
chapter = TrainingRecord(Path(sys.argv[1])).chapter("train-00001")
for run in range(10**6):
    failed = Trajectory(Task("q", "q", ("x",)), failure="x" * 5000, fault="judge")
    chapter.write(failed.outcome_event("b", run))
    print(run, flush=True)
"""


def test_a_kill_takes_nothing_that_was_written(tmp_path: Path, trajectory: Make) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        for _ in range(200):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
    told = 200 + len([line for line in rest if line])
    found = finished_runs(Record(tmp_path / BATCH))
    assert sorted(run for _, run in found) == list(range(len(found)))
    assert told - 1 <= len(found) <= told + 1, "the last line told of may be torn"
    keep(TrainingRecord(tmp_path).chapter(BATCH), BATCH, 10**6, trajectory("q", 1.0))
    assert ("q", 10**6) in finished_runs(Record(tmp_path / BATCH))


FULL = """
import resource, sys
from pathlib import Path
from typing import Any
from agentflow_graph.record import RecordError
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord
from rl.reward.task import Task
chapter = TrainingRecord(Path(sys.argv[1])).chapter("train-00001")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
for run in range(10):
    try:
        failed = Trajectory(Task("q", "q", ("x",)), failure="x" * 2900, fault="judge")
        chapter.write(failed.outcome_event("b", run))
    except RecordError as error:
        print(run, error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_is_said_and_leaves_the_record_readable(
    tmp_path: Path, trajectory: Make
) -> None:
    """A limit on the file's size makes the system refuse the write, half-way through a line."""
    done = run_program("-c", FULL, str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert [line.split()[0] for line in told] == ["6", "7", "8", "9"], "never again, once torn"
    assert str(tmp_path / BATCH) in told[0]
    assert "make room" in told[0]
    assert "resume" in told[0]
    assert len(rows(tmp_path)) == 6
    keep(TrainingRecord(tmp_path).chapter(BATCH), BATCH, 6, trajectory("q", 1.0))
    assert len(rows(tmp_path)) == 7

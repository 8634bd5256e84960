"""What the journal was told survives a kill, a torn line and a full disk; nothing else is added."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from launched import ROOT, environment, run_program

from agentflow_graph.models.policy import Completion
from rl.run.journal import Call, Chapter, Journal, encoded, events
from rl.settings.errors import JournalError

CALL = Call.of("q1", 2, 0, 1, [5, 6, 7])
ANSWER = Completion([8, 9], [-0.1, -1.0000000000000002e-17], "stop", 3)


def test_another_process_finds_answers_and_ended_runs(tmp_path: Path) -> None:
    chapter = Journal(tmp_path).chapter("train-00001")
    chapter.ask(CALL)
    chapter.answer(CALL, ANSWER)
    chapter.finish("q1", 2, {"reward": 1.0, "n": 2**70, "text": "a\ud800"})
    read = Journal(tmp_path).chapter("train-00001")
    assert read.answers == {CALL: ANSWER}
    assert not chapter.answers, "whoever wrote it knows it"
    assert read.finished == {("q1", 2): {"reward": 1.0, "n": str(2**70), "text": "a?"}}
    assert read.asked == 1
    assert not Journal(tmp_path).chapter("train-00002").answers


def test_another_prompt_attempt_or_place_is_another_call(tmp_path: Path) -> None:
    others = [
        Call.of("q2", 2, 0, 1, [5, 6, 7]),
        Call.of("q1", 1, 0, 1, [5, 6, 7]),
        Call.of("q1", 2, 1, 1, [5, 6, 7]),
        Call.of("q1", 2, 0, 0, [5, 6, 7]),
        Call.of("q1", 2, 0, 1, [5, 6, 70]),
        Call.of("q1", 2, 0, 1, [5, 67]),
    ]
    assert len({CALL, *others}) == 7
    assert Call.of("q1", 2, 0, 1, (5, 6, 7)) == CALL


def test_seeds_are_a_function_of_the_run_and_the_call(tmp_path: Path) -> None:
    journal = Journal(tmp_path, seed=7)
    seeds = [journal.sampling_seed("train-00001", Call("q", run, 0, 0, "x")) for run in range(50)]
    assert len(set(seeds)) == 50
    assert all(0 < seed < 2**63 for seed in seeds)
    same = Journal(tmp_path, seed=7).sampling_seed("train-00001", Call("q", 3, 0, 0, "x"))
    assert same == seeds[3]
    assert journal.sampling_seed("train-00002", Call("q", 3, 0, 0, "x")) != seeds[3]
    assert Journal(tmp_path, seed=8).sampling_seed("train-00001", CALL) != 0
    assert Journal(tmp_path).sampling_seed("train-00001", CALL) == 0


EVENTS = [{"asked": CALL}, {"asked": Call.of("q\n\u2028", 0, 0, 0, [1])}, {"asked": CALL}]


@given(st.integers(min_value=0, max_value=sum(len(encoded(event)) for event in EVENTS)))
def test_of_a_torn_file_every_whole_line_is_read(cut: int) -> None:
    lines = [encoded(event) for event in EVENTS]
    whole = sum(len(b"".join(lines[: n + 1])) - 1 <= cut for n in range(3))
    path = Path(f"/dev/shm/torn-{os.getpid()}.jsonl")
    try:
        path.write_bytes(b"".join(lines)[:cut])
        assert len(list(events(path))) == whole
    finally:
        path.unlink()


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_damaged_line_is_passed_over(place: int, bit: int) -> None:
    data = bytearray(encoded(EVENTS[0]))
    place %= len(data) - 1  # the newline apart, which would merge two lines
    data[place] ^= 1 << bit
    path = Path(f"/dev/shm/damaged-{os.getpid()}.jsonl")
    try:
        path.write_bytes(bytes(data) + encoded(EVENTS[1]))
        assert [event["asked"][0] for event in events(path)] == ["q\n\u2028"]
    finally:
        path.unlink()


WRITER = """
import sys
from pathlib import Path
from rl.run.journal import Journal
chapter = Journal(Path(sys.argv[1])).chapter("train-00001")
for run in range(10**6):
    chapter.finish("q", run, {"text": "x" * 5000})
    print(run, flush=True)
"""


def test_a_kill_takes_nothing_that_was_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        for _ in range(200):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
    told = 200 + len([line for line in rest if line])
    found = Chapter(tmp_path / "train-00001").finished
    assert sorted(run for _, run in found) == list(range(len(found)))
    assert told - 1 <= len(found) <= told + 1, "the last line told of may be torn"
    again = Journal(tmp_path).chapter("train-00001")
    again.finish("q", 10**6, {})
    assert ("q", 10**6) in Chapter(tmp_path / "train-00001").finished


FULL = """
import resource, sys
from pathlib import Path
from rl.run.journal import Journal
from rl.settings.errors import JournalError
chapter = Journal(Path(sys.argv[1])).chapter("train-00001")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
for run in range(10):
    try:
        chapter.finish("q", run, {"text": "x" * 3000})
    except JournalError as error:
        print(run, error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_is_said_and_leaves_the_journal_readable(tmp_path: Path) -> None:
    """A limit on the file's size makes the system refuse the write, half-way through a line."""
    done = run_program("-c", FULL, str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert [line.split()[0] for line in told] == ["6", "7", "8", "9"], "never again, once torn"
    assert str(tmp_path / "train-00001") in told[0]
    assert "make room" in told[0]
    assert "resume" in told[0]
    chapter = Journal(tmp_path).chapter("train-00001")
    assert sorted(run for _, run in chapter.finished) == list(range(6))
    chapter.finish("q", 6, {})
    assert len(Chapter(tmp_path / "train-00001").finished) == 7


async def test_a_sync_that_fails_is_a_journal_error(tmp_path: Path, monkeypatch: Any) -> None:
    chapter = Journal(tmp_path).chapter("train-00001")
    chapter.ask(CALL)
    await chapter.synced()
    chapter.ask(CALL)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalError, match="No space left"):
        await chapter.synced()
    with pytest.raises(JournalError, match="No space left"):
        chapter.answer(CALL, ANSWER)


def test_chapters_go_when_a_checkpoint_stands_for_them_and_their_calls_stay_counted(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    for batch in ("train-00001", "heldout-00002-0.7", "train-00003"):
        chapter = journal.chapter(batch)
        chapter.ask(CALL)
        chapter.ask(CALL)
        chapter.answer(CALL, ANSWER)
    assert journal.calls() == (6, 3)
    journal.drop(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.jsonl", "train-00003"]
    assert journal.calls() == Journal(tmp_path).calls() == (6, 3)
    assert not Journal(tmp_path).chapter("train-00001").answers
    assert Journal(tmp_path).chapter("train-00003").answers


def test_few_chapters_stay_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for step in range(20):
        journal.chapter(f"train-{step:05d}").ask(CALL)
    open_files = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
    assert sum(str(tmp_path) in name for name in open_files) <= 4
    journal.chapter("train-00000").ask(CALL)
    assert Chapter(tmp_path / "train-00000").asked == 2


def _descriptors() -> list[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]

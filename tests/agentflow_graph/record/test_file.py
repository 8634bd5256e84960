"""A record on disk: it survives kills, full disks and other processes, and says what is wrong."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from agentflow_graph.record import Record, RecordError, hold, read
from agentflow_graph.record.events import events_in
from agentflow_graph.record.reading import files_of, tally

REQUEST = {"model": "m", "messages": []}


async def answered(record: Record, name: str, *values: str, node: str = "planner") -> None:
    run = record.run(name)
    for turn, value in enumerate(values, 1):

        async def ask(value: str = value) -> dict[str, Any]:
            return {"text": value}

        await run.call(node, turn, 0, REQUEST, ask)


async def never() -> dict[str, Any]:
    raise AssertionError("it was answered already")


async def test_another_process_finds_every_answer(tmp_path: Path) -> None:
    first = Record(tmp_path)
    await answered(first, "a", "one", "two")
    first.close()
    second = Record(tmp_path)
    run = second.run("a")
    assert (await run.call("planner", 1, 0, REQUEST, never))["text"] == "one"
    assert (await run.call("planner", 2, 0, REQUEST, never))["text"] == "two"
    assert len(list(tmp_path.glob("*.jsonl"))) == 1, "what was only read is not written"


async def test_another_request_is_another_call(tmp_path: Path) -> None:
    record = Record(tmp_path)
    await answered(record, "a", "one")
    asked = []

    async def ask() -> dict[str, Any]:
        asked.append(1)
        return {"text": "other"}

    for key in ((2, 0, REQUEST), (1, 1, REQUEST), (1, 0, {**REQUEST, "model": "n"})):
        assert (await record.run("a").call("planner", *key, ask))["text"] == "other"
    assert (await record.run("b").call("planner", 1, 0, REQUEST, ask))["text"] == "other"
    assert (await record.run("a").call("verifier", 1, 0, REQUEST, ask))["text"] == "other"
    assert len(asked) == 5


async def test_a_failure_is_recorded_and_asked_again(tmp_path: Path) -> None:
    record = Record(tmp_path)

    async def fail() -> dict[str, Any]:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        await record.run("a").call("planner", 1, 0, REQUEST, fail)
    record.close()
    (call,) = read(tmp_path)["a"].calls
    assert (call.error, call.answer) == (("OSError", "down"), None)
    again = Record(tmp_path)
    await answered(again, "a", "up")
    assert read(tmp_path)["a"].calls[-1].answer == {"text": "up"}


def test_a_full_disk_is_said_once_and_for_all(tmp_path: Path) -> None:
    """The limit on a file's size stands for the disk's."""
    code = f"""
import resource, signal, sys
from pathlib import Path
from agentflow_graph.record import Record, RecordError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
record = Record(Path({str(tmp_path)!r}))
record.run("a").note("x", text="fits")
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
for _ in range(2):
    try:
        record.run("a").note("x", text="y" * 1000)
    except RecordError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == second
    assert f"the record in {tmp_path} cannot be written: File too large" in first
    assert "make room there" in first and "then resume the run" in first
    assert [event["text"] for event in read(tmp_path)["a"].notes] == ["fits"]
    record = Record(tmp_path)
    record.run("a").note("x", text="after")
    assert [event["text"] for event in read(tmp_path)["a"].notes] == ["fits", "after"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"a file is in the place of a folder; name a folder"):
        Record(tmp_path / "file" / "record").run("a").note("x")


async def test_many_waiters_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []

    def slow(descriptor: int) -> None:
        synced.append(descriptor)
        time.sleep(0.02)

    monkeypatch.setattr(os, "fsync", slow)
    record = Record(tmp_path)

    async def one(n: int) -> None:
        record.run(f"r{n}").note("x")
        await record.synced()

    await asyncio.gather(*map(one, range(50)))
    assert 1 <= len(synced) <= 3


def _write_until_killed(folder: Path) -> None:
    record = Record(folder)
    for n in range(10**9):
        record.run("a").note("n", n=n, text="x" * 500)


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2])
def test_what_was_written_before_a_sigkill_is_there(tmp_path: Path, delay: float) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_write_until_killed, args=(tmp_path,)
    )
    process.start()
    time.sleep(delay)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    numbers = [event["n"] for event in read(tmp_path)["a"].notes]
    assert numbers == list(range(len(numbers)))
    assert numbers


def test_it_belongs_to_one_process(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="belongs to one process; open it in the other"):
        pickle.dumps(Record(tmp_path))


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    held = hold(tmp_path / "lock", "taken")
    with pytest.raises(SettingError, match="taken"):
        hold(tmp_path / "lock", "taken")
    os.close(held)
    shared = [hold(tmp_path / "lock", "taken", shared=True) for _ in range(2)]
    with pytest.raises(SettingError, match="taken"):
        hold(tmp_path / "lock", "taken", patience=0.15)
    for descriptor in shared:
        os.close(descriptor)


def test_a_file_of_another_format_is_refused_by_name(tmp_path: Path) -> None:
    Record(tmp_path).run("a").note("x")
    (path,) = files_of(tmp_path)
    text = next(events_in(path))
    from agentflow_graph.record.events import line_of

    path.write_bytes(line_of({**text, "format": 7}))
    with pytest.raises(SettingError, match="has format 7, this version reads 1; it was written by"):
        read(tmp_path)


async def test_calls_are_counted_without_reading_them(tmp_path: Path) -> None:
    record = Record(tmp_path)
    await answered(record, "a", "one", "two")
    await answered(record, "a", "one", node="verifier")

    async def fail() -> dict[str, Any]:
        raise OSError

    with pytest.raises(OSError):
        await record.run("a").call("planner", 3, 0, REQUEST, fail)
    with pytest.raises(asyncio.CancelledError):

        async def cancelled() -> dict[str, Any]:
            raise asyncio.CancelledError

        await record.run("a").call("planner", 4, 0, REQUEST, cancelled)
    assert tally(files_of(tmp_path), "planner") == (4, 3)
    assert tally(files_of(tmp_path), "verifier") == (1, 1)


def test_it_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Record(tmp_path).run("a").note("x")
    (path,) = files_of(tmp_path)
    assert path.stat().st_mode & 0o077 == 0


async def test_a_process_holds_a_bounded_number_of_unfinished_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentflow_graph.record.file.MAX_OPEN", 3)
    record = Record(tmp_path)
    first = record.begin("r0")
    for n in range(1, 5):
        record.begin(f"r{n}")
    assert len(record._open) == 3
    first.note("x")
    assert await record.find("r0") is not first, "it is read from disk again"

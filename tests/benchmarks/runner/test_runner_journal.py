"""The journal: what it took is there after any crash, and a torn end is no harm."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentflow_graph.errors import SettingError
from benchmarks.errors import RunStopped
from benchmarks.runner.journal import Journal, read

TRIAL = {"task": "t", "item": "i", "trial": 1}
EVENTS = [{"event": "failed", **TRIAL, "n": n, "text": "é\n" * n} for n in range(20)]
NEW = {"event": "scoring"}


async def filled(path: Path, events: list[dict[str, Any]]) -> None:
    with Journal.opened(path) as journal:
        await asyncio.gather(*map(journal.append, events))


async def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    await filled(path, EVENTS)
    assert list(read(path)) == EVENTS


async def test_events_that_wait_share_one_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls, gate = os.fsync, [], threading.Event()

    def slow(descriptor: int) -> None:
        gate.wait(20)
        calls.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    with Journal.opened(tmp_path / "journal.jsonl") as journal:
        waiting = [asyncio.create_task(journal.append(event)) for event in EVENTS]
        await asyncio.sleep(0)
        waiting[-1].cancel()
        gate.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended[-2:]] == [type(None), asyncio.CancelledError]
    assert list(read(tmp_path / "journal.jsonl")) == EVENTS
    assert len(calls) < len(EVENTS)


@settings(deadline=None, max_examples=40)
@given(cut=st.integers(0, 400))
def test_a_line_torn_anywhere_is_cut_off_and_the_rest_stays(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal.jsonl"
    whole = "".join(json.dumps(event) + "\n" for event in EVENTS)[:400].encode()
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    assert list(read(path)) == EVENTS[:kept]
    asyncio.run(filled(path, [NEW]))
    assert list(read(path)) == [*EVENTS[:kept], NEW]


async def test_text_that_no_file_takes_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    odd = {**NEW, "text": "\ud800 \u2028", "number": 10**40, "path": Path("x")}
    await filled(path, [odd])
    assert list(read(path)) == [{**odd, "path": "x"}]


async def test_a_full_disk_leaves_whole_lines_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, full = tmp_path / "journal.jsonl", os.pwrite, [False]

    def half(descriptor: int, data: Any, at: int) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        full[0] = True
        return write(descriptor, bytes(data)[: len(data) // 2], at)

    with Journal.opened(path) as journal:
        await journal.append(EVENTS[3])
        monkeypatch.setattr(os, "pwrite", half)
        with pytest.raises(RunStopped, match=r"No space left.*make room and resume"):
            await journal.append(EVENTS[4])
        monkeypatch.undo()
        await journal.append(EVENTS[5])
    assert list(read(path)) == [EVENTS[3], EVENTS[5]]


@pytest.mark.parametrize("line", ["not ours", "[1]", "7", "{}", '{"event": "failed", "task": "t"}'])
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "journal.jsonl", json.dumps(EVENTS[0])
    path.write_text(f"{whole}\n{line}\n{whole}\n")
    with pytest.raises(SettingError, match="line 2 is damaged"):
        list(read(path))


def test_only_one_may_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal.opened(path), pytest.raises(SettingError, match="in use by another process"):
        Journal.opened(path)
    with Journal.opened(path):
        pass

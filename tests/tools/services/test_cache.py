from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tools.services.cache import Cache, default_folder, file_lock, key_of

Ask = Callable[[], Awaitable[Any]]
DAY = 86_400.0


class Counted:
    """An answer that takes a moment, and how often it was asked for."""

    def __init__(self, answer: Any = "found", seconds: float = 0.05) -> None:
        self.answer, self.seconds, self.calls = answer, seconds, 0

    async def __call__(self) -> Any:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_eight_at_once_ask_once(tmp_path: Path) -> None:
    ask, cache = Counted({"hits": [1, None, "ü"]}), Cache(tmp_path)
    found = await asyncio.gather(*(cache.once("p", {"q": "x"}, ask, ttl=DAY) for _ in range(8)))
    assert found == [{"hits": [1, None, "ü"]}] * 8
    assert ask.calls == 1
    assert await Cache(tmp_path).once("p", {"q": "x"}, ask, ttl=DAY) == {"hits": [1, None, "ü"]}
    assert ask.calls == 1


async def test_provider_and_arguments_make_the_key(tmp_path: Path) -> None:
    ask, cache = Counted(seconds=0), Cache(tmp_path)
    for provider, arguments in [("a", {"q": 1}), ("b", {"q": 1}), ("a", {"q": 2}), ("a", {"r": 1})]:
        await cache.once(provider, arguments, ask, ttl=DAY)
    assert ask.calls == 4
    assert key_of("p", {"a": 1, "b": 2}) == key_of("p", {"b": 2, "a": 1})


async def test_answers_grow_old(tmp_path: Path) -> None:
    ask, cache = Counted(seconds=0), Cache(tmp_path)
    for _ in range(2):
        await cache.once("p", {}, ask, ttl=0.05)
        await asyncio.sleep(0.06)
    assert ask.calls == 2


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(tmp_path: Path) -> None:
    ask, cache = Counted(ValueError("broken")), Cache(tmp_path)
    calls = [cache.once("p", {}, ask, ttl=DAY) for _ in range(8)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(fault) for fault in found] == ["broken"] * 8
    assert ask.calls == 1
    ask.answer = "mended"
    assert await cache.once("p", {}, ask, ttl=DAY) == "mended"


async def test_who_is_cancelled_does_not_stop_the_others(tmp_path: Path) -> None:
    ask, cache = Counted(), Cache(tmp_path)
    first, second = (asyncio.create_task(cache.once("p", {}, ask, ttl=DAY)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert await second == "found"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert ask.calls == 1


async def test_the_last_to_be_cancelled_stops_the_call(tmp_path: Path) -> None:
    ask, cache = Counted(seconds=0.3), Cache(tmp_path)
    calls = [asyncio.create_task(cache.once("p", {}, ask, ttl=DAY)) for _ in range(2)]
    await asyncio.sleep(0.1)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await cache.once("p", {}, ask, ttl=DAY) == "found"
    assert ask.calls == 2


@pytest.mark.parametrize("folder", [None, "shared"])
async def test_loops_in_several_threads(tmp_path: Path, folder: str | None) -> None:
    ask, cache = Counted(), Cache(tmp_path / folder if folder else None)

    def alone() -> Any:
        return asyncio.run(cache.once("p", {}, ask, ttl=DAY))

    found = await asyncio.gather(*(asyncio.to_thread(alone) for _ in range(4)))
    assert found == ["found"] * 4
    assert ask.calls == (4 if folder is None else 1)


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tools.services.cache import Cache

folder = Path(sys.argv[1])

async def ask():
    with (folder / "asked").open("a") as file:
        file.write("x")
    await asyncio.sleep(0.5)
    return "found"

async def main():
    cache = Cache(folder / "cache")
    calls = [cache.once("p", {"q": "x"}, ask, ttl=60) for _ in range(8)]
    assert await asyncio.gather(*calls) == ["found"] * 8

asyncio.run(main())
"""


def program(folder: Path, source: str = PROGRAM) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    return subprocess.Popen([sys.executable, "-c", source, str(folder)], cwd=root)


@pytest.mark.integration
def test_eight_in_each_of_three_processes_ask_once(tmp_path: Path) -> None:
    processes = [program(tmp_path) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "asked").read_text() == "x"


@pytest.mark.integration
async def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    holder = program(tmp_path, PROGRAM.replace("sleep(0.5)", "sleep(60)"))
    while not (tmp_path / "asked").exists():
        await asyncio.sleep(0.02)
    holder.kill()
    holder.wait()
    started = time.perf_counter()
    assert await Cache(tmp_path / "cache").once("p", {"q": "x"}, Counted(), ttl=60) == "found"
    assert time.perf_counter() - started < 2


async def test_whoever_waited_long_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.services.cache.WAIT", 0.1)
    async with file_lock(tmp_path, "a" * 64), file_lock(tmp_path, "a" * 64):
        pass


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "cache"
    old = os.umask(0)
    try:
        await Cache(folder).once("p", {}, Counted(), ttl=DAY)
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_a_broken_table_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "answers.db").write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.WARNING):
        assert await Cache(tmp_path).once("p", {}, Counted(), ttl=DAY) == "found"
    assert "the cache is of no use now" in caplog.text


async def test_a_folder_that_cannot_be_made_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await Cache(tmp_path / "file" / "cache").once("p", {}, Counted(), ttl=DAY) == "found"


async def test_the_table_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.services.cache.ROWS", 3)
    ask, cache = Counted(seconds=0), Cache(tmp_path)
    for number in range(5):
        await cache.once("p", {"q": number}, ask, ttl=DAY + number)
    await cache.once("p", {"q": 4}, ask, ttl=DAY)
    assert ask.calls == 5
    await cache.once("p", {"q": 0}, ask, ttl=DAY)
    assert ask.calls == 6


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AGENTFLOW_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.setenv("AGENTFLOW_CACHE", "off")
    assert default_folder() is None
    monkeypatch.delenv("AGENTFLOW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "agentflow-graph"

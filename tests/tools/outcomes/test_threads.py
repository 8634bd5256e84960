"""Threads of our own: what hangs takes nobody's place, and what is made is made once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from functools import partial

import pytest

from tools.outcomes.threads import Kept, Threads, TooManyLost, in_thread

SAID: ContextVar[str] = ContextVar("SAID", default="nothing")


async def given_up(threads: Threads, key: str, work: object) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await threads.run(key, work)  # type: ignore[arg-type]


async def test_what_hangs_takes_no_place_and_is_refused_at_the_limit() -> None:
    threads, end = Threads("test", at_once=1, most_lost=2), threading.Event()
    for _ in range(2):
        await given_up(threads, "hangs", end.wait)
    assert await threads.run("other", lambda: 7) == 7
    with pytest.raises(TooManyLost, match="2 calls before it were given up and still run; mend"):
        await threads.run("hangs", end.wait)
    end.set()
    async with asyncio.timeout(5):
        while threads._lost:
            await asyncio.sleep(0.01)
    assert await threads.run("hangs", end.wait) is True


async def test_work_waits_in_line_and_what_was_given_up_there_is_never_begun() -> None:
    threads, end = Threads("test", at_once=1, most_lost=9), threading.Event()
    begun: list[str] = []
    first = asyncio.create_task(threads.run("a", end.wait))
    await asyncio.sleep(0)
    await given_up(threads, "b", partial(begun.append, "b"))
    last = asyncio.create_task(threads.run("c", partial(begun.append, "c")))
    await asyncio.sleep(0.02)
    assert begun == []
    end.set()
    assert await asyncio.gather(first, last) == [True, None]
    assert begun == ["c"]


async def test_work_has_the_context_of_its_task_and_its_faults_come_back() -> None:
    SAID.set("something")
    assert await in_thread(SAID.get) == "something"
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await in_thread(next, iter(()))


def test_a_program_does_not_wait_for_what_it_gave_up() -> None:
    program = (
        "import asyncio, time\nfrom tools.outcomes.threads import in_thread\n"
        "async def main():\n    await asyncio.wait_for(in_thread(time.sleep, 60), 0.1)\n"
        "asyncio.run(main())"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=50)
    assert b"TimeoutError" in done.stderr
    assert time.monotonic() - begun < 30


def test_each_thing_is_made_once_and_waits_for_no_other() -> None:
    kept: Kept[str, int] = Kept(8)
    go, made = threading.Event(), []

    def make() -> int:
        made.append(1)
        assert go.wait(5)
        return 7

    futures = [kept.begin("slow", make) for _ in range(4)]
    assert kept.get("other", lambda: 3) == 3
    assert kept.known("slow") is None
    go.set()
    assert [one.result(5) for one in futures] == [7] * 4
    assert (made, kept.known("slow")) == ([1], 7)


async def test_who_stops_waiting_cancels_it_for_nobody() -> None:
    kept: Kept[str, int] = Kept(8)
    go = threading.Event()
    future = kept.begin("slow", lambda: 7 if go.wait(5) else 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.wrap_future(future)
    go.set()
    assert future.result(5) == 7


def test_a_failure_is_told_and_not_kept_and_the_oldest_go_first() -> None:
    kept: Kept[int, int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get(0, lambda: 1 // 0)
    assert [kept.get(key, lambda key=key: key) for key in (0, 1, 2)] == [0, 1, 2]  # type: ignore[misc]
    assert (len(kept), kept.known(0), kept.known(2)) == (2, None, 2)

"""Work that hangs, grows or dies in a worker costs that work alone, and the loop goes on."""

from __future__ import annotations

import asyncio
import json
import operator
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.services.worker import Lost, apart

ROOT = Path(__file__).parents[3]


async def test_a_result_is_what_json_holds() -> None:
    assert await apart(json.loads, '{"a": [1, null, "\\ud800 ü"]}', seconds=5) == {
        "a": [1, None, "\ud800 ü"]
    }
    with pytest.raises(Lost, match="TypeError"):
        await apart(re.compile, "x", seconds=5)


async def test_what_the_function_raises_is_said() -> None:
    with pytest.raises(Lost, match="ValueError: invalid literal"):
        await apart(int, "x", seconds=5)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (time.sleep, (600,)),
        (eval, ("9**9**9",)),  # holds Python's lock, in C
        (re.match, ("(a+)+$", "a" * 60 + "b")),
        (operator.countOf, (range(10**13), -1)),
    ],
)
async def test_what_hangs_is_given_up_while_the_loop_goes_on(
    function: object, arguments: tuple[object, ...]
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    await apart(os.getpid, seconds=5)
    ticking = asyncio.create_task(tick())
    started = time.perf_counter()
    with pytest.raises(Lost, match="takes too long"):
        await apart(function, *arguments, seconds=0.5)  # type: ignore[arg-type]
    ticking.cancel()
    assert time.perf_counter() - started < 30
    assert ticks >= 20
    assert await apart(int, "7", seconds=5) == 7


async def test_memory_is_bounded() -> None:
    with pytest.raises(Lost, match="MemoryError"):
        await apart(operator.mul, b"x", 10**10, seconds=5)


async def test_workers_that_were_killed_are_replaced_at_once() -> None:
    """Without a pause: a killed process counts as alive until the kernel has taken it apart."""
    for _ in range(10):
        killed = {await apart(os.getpid, seconds=5) for _ in range(4)}
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        found = await asyncio.gather(*(apart(os.getpid, seconds=5) for _ in range(4)))
        assert not {*found} & {*killed, os.getpid()}


async def test_many_at_once_get_their_own_answers() -> None:
    found = await asyncio.gather(*(apart(int, str(number), seconds=5) for number in range(20)))
    assert found == list(range(20))


UNGUARDED = """
import asyncio, os
from tools.services.worker import apart
print("begun", flush=True)

async def main():
    pids = [await apart(os.getpid, seconds=5) for _ in range(2)]
    print(*pids, await apart(os.getenv, "EXAMPLE_API_KEY", seconds=5), flush=True)
    await asyncio.sleep(HELD)

asyncio.run(main())
asyncio.run(main())
"""


def program(held: float, folder: Path) -> list[str]:
    (folder / "script.py").write_text(UNGUARDED.replace("HELD", str(held)))
    return [sys.executable, str(folder / "script.py")]


@pytest.mark.integration
def test_a_program_is_not_run_again_and_leaves_nothing_and_its_key_stays(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "EXAMPLE_API_KEY": "planted-0123456789"}
    run = subprocess.run(program(0, tmp_path), env=environment, capture_output=True, text=True)
    lines = run.stdout.split("\n")
    assert (run.returncode, run.stderr, lines[0]) == (0, "", "begun")
    assert len(lines) == 4
    (*first, key), (*second, _) = lines[1].split(), lines[2].split()
    assert key == "None"
    # Workers outlive a loop, and no more than two are ever needed.
    assert set(first) & set(second)
    assert len({*first, *second}) <= 2
    assert [pid for pid in (*first, *second) if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.integration
def test_a_worker_leaves_with_a_program_that_was_killed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(program(60, tmp_path), env=environment, stdout=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    worker = int(running.stdout.readline().split()[0])
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and Path(f"/proc/{worker}").exists():
        if Path(f"/proc/{worker}/stat").read_text().split(") ")[1].startswith("Z"):
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{worker}").exists()

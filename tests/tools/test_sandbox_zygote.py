"""The life of the zygote: many at once, cancelled, killed, closed, from loop to loop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Limits
from tools.sandbox.zygote import remedy

SLEEP = "import time; time.sleep(60)"


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def gone(folder: str) -> bool:
    return not Path(folder).exists()


def launched(program: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a function to give something true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def started(sandbox: LandlockSandbox) -> int:
    """The pid of the sandbox's zygote."""
    assert (await sandbox.run("1", Limits())).status == "ok"
    assert sandbox._zygote is not None
    return sandbox._zygote.pid


async def test_fifty_at_once_keep_their_own_answers(sandbox: LandlockSandbox) -> None:
    codes = [f"print({number})\n{number} * 2" for number in range(50)]
    executions = await asyncio.gather(*(sandbox.run(code, Limits()) for code in codes))
    got = [(execution.stdout, execution.value) for execution in executions]
    assert got == [(f"{number}\n", f"{number * 2}") for number in range(50)]


async def test_a_cancelled_run_is_killed(fresh: LandlockSandbox) -> None:
    zygote = await started(fresh)
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: children(zygote))
    (child,) = children(zygote)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await until(lambda: not alive(child))
    assert (await fresh.run("2 + 2", Limits())).value == "4"


async def test_a_cancelled_run_that_waits_never_starts(landlock: None) -> None:
    own = LandlockSandbox(parallel=1)
    zygote = await started(own)
    first = asyncio.create_task(own.run(SLEEP, Limits()))
    await until(lambda: children(zygote))
    waiting = asyncio.create_task(own.run("1", Limits()))
    await asyncio.sleep(0.05)
    waiting.cancel()
    first.cancel()
    assert (await own.run("2 + 2", Limits())).value == "4"
    await asyncio.gather(first, waiting, return_exceptions=True)
    await own.close()


async def test_a_killed_zygote_is_replaced(fresh: LandlockSandbox) -> None:
    zygote = await started(fresh)
    assert fresh._zygote is not None
    root = fresh._zygote.root
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: children(zygote))
    (child,) = children(zygote)
    os.kill(zygote, signal.SIGKILL)
    execution = await run
    assert execution.status == "error"
    assert "call again" in execution.error
    await until(lambda: not alive(child))
    assert (await fresh.run("2 + 2", Limits())).value == "4"
    assert gone(root)


async def test_closing_leaves_nothing(fresh: LandlockSandbox) -> None:
    zygote = await started(fresh)
    assert fresh._zygote is not None
    root = fresh._zygote.root
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: children(zygote))
    (child,) = children(zygote)
    await fresh.close()
    assert (await run).status == "error"
    assert not alive(zygote)
    assert not alive(child)
    assert gone(root)


async def test_nothing_survives_a_killed_parent(landlock: None) -> None:
    program = (
        "import asyncio\nfrom tools.sandbox.landlock import LandlockSandbox\n"
        "from tools.sandbox.protocol import Limits\n"
        "async def main():\n"
        "    sandbox = LandlockSandbox()\n"
        "    await sandbox.run('1', Limits())\n"
        "    print(sandbox._zygote.pid, sandbox._zygote.root, flush=True)\n"
        f"    await sandbox.run({SLEEP!r}, Limits())\n"
        "asyncio.run(main())\n"
    )
    with launched(program) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        await until(lambda: children(int(pid)))
        (child,) = children(int(pid))
        parent.kill()
    await until(lambda: not alive(int(pid)) and not alive(child))
    await until(lambda: gone(folder))


def test_one_sandbox_serves_many_loops(landlock: None) -> None:
    own = LandlockSandbox()
    values = [asyncio.run(own.run(f"{number} + 1", Limits())).value for number in range(3)]
    assert values == ["1", "2", "3"]
    own.shut()


async def test_a_missing_library_names_its_remedy(
    fresh: LandlockSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.landlock.packages", lambda: ())
    execution = await fresh.run("1", Limits())
    assert execution.status == "unavailable"
    assert "pip install sandlock pyseccomp" in execution.error


async def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    execution = await LandlockSandbox().run("1", Limits())
    assert execution.status == "unavailable"
    assert "Linux 5.13" in execution.error


async def test_an_interpreter_that_cannot_start_is_quoted(
    fresh: LandlockSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.client._BOOT", "raise SystemExit('broken build')")
    execution = await fresh.run("1", Limits())
    assert execution.status == "unavailable"
    assert "broken build" in execution.error


async def test_a_hung_zygote_is_given_up(
    fresh: LandlockSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.client.SILENCE", 1.5)
    zygote = await started(fresh)
    os.kill(zygote, signal.SIGSTOP)
    execution = await fresh.run("1", Limits())
    assert execution.status == "error"
    assert (await fresh.run("2 + 2", Limits())).value == "4"


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (ImportError("no module"), "pip install sandlock pyseccomp"),
        (RuntimeError("Unable to find libseccomp"), "apt install libseccomp2"),
        (OSError("Landlock ABI 0"), "Linux 5.13 or newer"),
    ],
)
def test_every_fault_has_a_remedy(fault: Exception, wanted: str) -> None:
    assert wanted in remedy(fault)


async def test_a_kernel_without_landlock_fails_closed(landlock: None) -> None:
    program = (
        "import asyncio, errno, pyseccomp\n"
        "rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)\n"
        "for number in (444, 445, 446): rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), number)\n"
        "rules.load()\n"
        "from tools.sandbox.choose import auto\n"
        "from tools.sandbox.protocol import Limits\n"
        "execution = asyncio.run(auto().run('1', Limits()))\n"
        "print(execution.status, execution.error)\n"
    )
    with launched(program) as process:
        said = await asyncio.to_thread(process.communicate)
    assert said[0].startswith("unavailable")
    assert "Linux 5.13 or newer" in said[0]

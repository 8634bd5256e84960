"""The life of supervisor and forker: many at once, cancelled, killed, closed, from loop to loop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import SLEEP, alive, forker, inmost, programs, scratch, started, until

from tools.sandbox.bubblewrap import BubblewrapSandbox
from tools.sandbox.choose import SAFE
from tools.sandbox.inside.boot import remedy
from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Limits
from tools.sandbox.warm import WarmSandbox


def launched(program: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


async def test_sixty_four_at_once_keep_their_own_answers(sandbox: WarmSandbox) -> None:
    codes = [f"print({number})\n{number} * 2" for number in range(64)]
    executions = await asyncio.gather(*(sandbox.run(code, Limits()) for code in codes))
    got = [(execution.stdout, execution.value) for execution in executions]
    assert got == [(f"{number}\n", f"{number * 2}") for number in range(64)]


async def test_a_cancelled_run_is_killed(fresh: WarmSandbox) -> None:
    supervisor = await started(fresh)
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: programs(supervisor))
    (child,) = programs(supervisor)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await until(lambda: not alive(child))
    assert (await fresh.run("2 + 2", Limits())).value == "4"


async def test_a_cancelled_run_that_waits_never_starts(backend: str) -> None:
    make: Any = SAFE[backend]
    own = make(parallel=1)
    supervisor = await started(own)
    first = asyncio.create_task(own.run(SLEEP, Limits()))
    await until(lambda: programs(supervisor))
    waiting = asyncio.create_task(own.run("1", Limits()))
    await asyncio.sleep(0.05)
    waiting.cancel()
    first.cancel()
    assert (await own.run("2 + 2", Limits())).value == "4"
    await asyncio.gather(first, waiting, return_exceptions=True)
    await own.close()


@pytest.mark.parametrize("victim", ["outermost", "supervisor", "forker"])
async def test_a_killed_process_is_replaced(fresh: WarmSandbox, victim: str) -> None:
    supervisor = await started(fresh)
    assert fresh._zygote is not None
    folder = scratch(fresh)
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: programs(supervisor))
    (child,) = programs(supervisor)
    pids = {"outermost": fresh._zygote.pid, "supervisor": supervisor, "forker": forker(supervisor)}
    os.kill(pids[victim], signal.SIGKILL)
    execution = await run
    assert execution.status == "error"
    assert "call again" in execution.error
    await until(lambda: not alive(child))
    assert (await fresh.run("2 + 2", Limits())).value == "4"
    assert not folder.exists()


async def test_closing_leaves_nothing(fresh: WarmSandbox) -> None:
    supervisor = await started(fresh)
    folder = scratch(fresh)
    run = asyncio.create_task(fresh.run(SLEEP, Limits()))
    await until(lambda: programs(supervisor))
    (child,) = programs(supervisor)
    await fresh.close()
    assert (await run).status == "error"
    await until(lambda: not alive(supervisor) and not alive(child))
    assert not folder.exists()


async def test_nothing_survives_a_killed_parent(backend: str) -> None:
    program = (
        "import asyncio\nfrom tools.sandbox.choose import SAFE\n"
        "from tools.sandbox.protocol import Limits\n"
        "async def main():\n"
        f"    sandbox = SAFE[{backend!r}]()\n"
        "    await sandbox.run('1', Limits())\n"
        "    zygote = sandbox._zygote\n"
        "    print(zygote.pid, zygote.launch.folder or '/nowhere', flush=True)\n"
        f"    await sandbox.run({SLEEP!r}, Limits())\n"
        "asyncio.run(main())\n"
    )
    with launched(program) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        supervisor = inmost(int(pid))
        await until(lambda: programs(supervisor))
        (child,) = programs(supervisor)
        parent.kill()
    await until(lambda: not alive(supervisor) and not alive(child))
    await until(lambda: not Path(folder).exists())


def test_one_sandbox_serves_many_loops(backend: str) -> None:
    own = SAFE[backend]()
    values = [asyncio.run(own.run(f"{number} + 1", Limits())).value for number in range(3)]
    assert values == ["1", "2", "3"]
    own.shut()


async def test_a_missing_library_names_its_remedy(
    fresh: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "bubblewrap" if fresh.name == "bubblewrap" else "warm"
    monkeypatch.setattr(f"tools.sandbox.{where}.packages", lambda: ())
    execution = await fresh.run("1", Limits())
    assert execution.status == "unavailable"
    assert "pip install sandlock pyseccomp" in execution.error


async def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    execution = await LandlockSandbox().run("1", Limits())
    assert execution.status == "unavailable"
    assert "Linux 5.13" in execution.error


async def test_an_interpreter_that_cannot_start_is_quoted(
    fresh: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.client._BOOT", "raise SystemExit('broken build')")
    execution = await fresh.run("1", Limits())
    assert execution.status == "unavailable"
    assert "broken build" in execution.error


async def test_a_hung_zygote_is_given_up(
    fresh: WarmSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.client.SILENCE", 1.5)
    supervisor = await started(fresh)
    os.kill(supervisor, signal.SIGSTOP)
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
    assert wanted in remedy(fault, LandlockSandbox.remedy)


async def test_bubblewrap_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    execution = await BubblewrapSandbox().run("1", Limits())
    assert execution.status == "unavailable"
    assert "apt install bubblewrap" in execution.error


NO_LANDLOCK = "for number in (444, 445, 446): rules.add_rule(pyseccomp.ERRNO(38), number)\n"
NO_NAMESPACES = (
    "for call in ('unshare', 'mount'): rules.add_rule(pyseccomp.ERRNO(1), call)\n"
    "rules.add_rule(pyseccomp.ERRNO(38), 'clone3')\n"
    "newuser = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0x10000000, 0x10000000)\n"
    "rules.add_rule(pyseccomp.ERRNO(1), 'clone', newuser)\n"
)
FIXES = {"landlock": "Linux 5.13 or newer", "bubblewrap": "sysctl kernel.unprivileged_userns_clone"}


@pytest.mark.parametrize(
    ("name", "denied", "wanted"),
    [
        ("landlock", NO_LANDLOCK, ["landlock"]),
        ("bubblewrap", NO_NAMESPACES, ["bubblewrap"]),
        ("auto", NO_LANDLOCK + NO_NAMESPACES, ["bubblewrap", "landlock"]),
    ],
)
async def test_a_kernel_without_it_fails_closed(
    name: str, denied: str, wanted: list[str], landlock: None, bubblewrap: None
) -> None:
    said = await asyncio.to_thread(denied_kernel, name, denied)
    assert said.startswith("unavailable")
    assert all(f"{one}: " in said and FIXES[one] in said for one in wanted), said


async def test_auto_goes_on_to_landlock(landlock: None, bubblewrap: None) -> None:
    assert await asyncio.to_thread(denied_kernel, "auto", NO_NAMESPACES) == "ok landlock\n"


def denied_kernel(name: str, denied: str) -> str:
    """What a sandbox says where system calls are denied, as in a container."""
    program = (
        "import asyncio, pyseccomp\n"
        f"rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)\n{denied}rules.load()\n"
        "from tools.sandbox.choose import get_sandbox\n"
        "from tools.sandbox.protocol import Limits\n"
        f"execution = asyncio.run(get_sandbox({name!r}).run('1', Limits()))\n"
        "print(execution.status, execution.error or execution.backend)\n"
    )
    with launched(program) as process:
        said: str = process.communicate()[0]
    return said

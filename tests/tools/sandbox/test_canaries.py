"""The sandbox is trusted when every canary was held, and only then."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from processes import alive, until

from tools.python_coder import PythonCoder
from tools.sandbox.canaries import HELD, probe
from tools.sandbox.choose import AT_ONCE, SAFE, Guarded, SandboxNameError, get_sandbox
from tools.sandbox.launch import MODULES
from tools.sandbox.protocol import Execution, Limits
from tools.sandbox.unsafe import UnsafeSandboxWarning, UnsafeSubprocess
from tools.sandbox.warm import WarmSandbox

CANARIES = ["control", "read", "environment", "network", "fork", "write", "memory"]


class Leaky:
    """Holds every canary but those whose program contains `leak`; counts what it ran."""

    name, remedy = "leaky", "mend it"

    def __init__(self, leak: str, execution: Execution) -> None:
        self.leak, self.execution = leak, execution
        self.runs = 0

    async def run(self, code: str, limits: Limits) -> Execution:
        self.runs += 1
        held = Execution("ok", stdout=f"{HELD}\n")
        return self.execution if self.leak in code else held

    async def close(self) -> None:
        return None


class Unguarded:
    """No sandbox at all: the program runs as a child of ours. Proves that canaries can escape."""

    async def run(self, code: str, limits: Limits) -> Execution:
        import sys

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        stdout, _ = await process.communicate()
        return Execution("ok", stdout=stdout.decode())

    async def close(self) -> None:
        return None


@pytest.mark.enable_socket
async def test_every_backend_holds_them_all(fresh: WarmSandbox) -> None:
    report = await probe(fresh, fresh.remedy)
    assert report.trusted, report.reason
    assert report.verdicts == dict.fromkeys(CANARIES, "held")
    assert not [name for name in os.environ if name.startswith("AGENTFLOW_CANARY")]


@pytest.mark.enable_socket
async def test_without_walls_they_all_escape() -> None:
    report = await probe(Unguarded(), "")
    assert report.verdicts == {"control": "held", **dict.fromkeys(CANARIES[1:], "escaped")}


@pytest.mark.enable_socket
@pytest.mark.parametrize("leak", ["create_connection", "os.fork", "bytearray", "os.environ"])
async def test_one_escape_closes_it(leak: str) -> None:
    backend = Leaky(leak, Execution("ok", stdout="ESCAPED\n"))
    guarded = Guarded(backend)
    flown = (await guarded.report(), backend.runs)[1]
    text, result = await PythonCoder(sandbox=guarded)._arun(code="1 + 1")
    assert result["status"] == "unavailable"
    assert "escaped" in text
    assert "leaky: " in text
    assert "mend it" in text
    assert backend.runs == flown == len(CANARIES)


@pytest.mark.enable_socket
async def test_a_canary_that_proves_nothing_closes_it() -> None:
    report = await probe(Leaky("os.fork", Execution("timeout")), "")
    assert report.verdicts["fork"] == "unproven"
    assert not report.trusted


@pytest.mark.enable_socket
async def test_a_backend_that_cannot_start_gives_its_remedy() -> None:
    broken = Leaky("", Execution("unavailable", error="apt install libseccomp2"))
    execution = await Guarded(broken).run("1", Limits())
    assert execution.status == "unavailable"
    assert "apt install libseccomp2" in execution.error


@pytest.mark.enable_socket
async def test_what_could_not_be_proven_is_tried_again() -> None:
    backend = Leaky("", Execution("unavailable", error="too many open files"))
    guarded = Guarded(backend)
    assert (await guarded.run("1", Limits())).status == "unavailable"
    backend.execution = Execution("ok", stdout=f"{HELD}\n")
    assert (await guarded.run("1", Limits())).status == "ok"


@pytest.mark.enable_socket
async def test_an_escape_is_not_forgotten() -> None:
    backend = Leaky("os.fork", Execution("ok", stdout="ESCAPED\n"))
    guarded = Guarded(backend)
    await guarded.report()
    backend.leak = "nothing like it"
    assert (await guarded.run("1", Limits())).status == "unavailable"
    assert backend.runs == len(CANARIES)


@pytest.mark.enable_socket
async def test_a_machine_that_lacks_something_is_left_alone_after_a_while() -> None:
    backend = Leaky("", Execution("unavailable", error="no such kernel"))
    guarded = Guarded(backend)
    for _ in range(20):
        assert "no such kernel" in (await guarded.run("1", Limits())).error
    assert backend.runs == AT_ONCE + 1


@pytest.mark.enable_socket
@pytest.mark.parametrize("lack", ["descriptors", "temporary folder"])
async def test_a_passing_shortage_passes(lack: str, backend: str) -> None:
    """In a process of its own, whose first call meets it."""
    said = await asyncio.to_thread(_with_shortage, lack, backend)
    assert said == ["unavailable", "ok", "ok"]


def _with_shortage(lack: str, backend: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SHORTAGE, lack, backend],
        capture_output=True,
        text=True,
        cwd=MODULES,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


SHORTAGE = """
import asyncio, os, resource, sys, tempfile
from tools.sandbox.choose import get_sandbox
from tools.sandbox.protocol import Limits

async def main():
    sandbox = get_sandbox(sys.argv[2])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    if sys.argv[1] == "descriptors":
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        while len(held) < 64:
            try: held.append(os.open("/dev/null", 0))
            except OSError: break
    else:
        tempfile.tempdir = "/nowhere"
    print((await sandbox.run("1", Limits())).status)
    tempfile.tempdir = None
    for one in held: os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for _ in range(2):
        print((await sandbox.run("1", Limits())).status)

asyncio.run(main())
"""


@pytest.mark.enable_socket
async def test_a_backend_that_raises_closes_it() -> None:
    class Raising(Leaky):
        async def run(self, code: str, limits: Limits) -> Execution:
            raise KeyError("surprise")

    execution = await Guarded(Raising("", Execution("ok"))).run("1", Limits())
    assert execution.status == "unavailable"
    assert "surprise" in execution.error


@pytest.mark.enable_socket
async def test_canaries_fly_once_for_many_callers() -> None:
    backend = Leaky("4738", Execution("ok", value="175306"))
    guarded = Guarded(backend)
    executions = await asyncio.gather(*(guarded.run("4738 * 37", Limits()) for _ in range(20)))
    assert {execution.value for execution in executions} == {"175306"}
    assert backend.runs == len(CANARIES) + 20


@pytest.mark.enable_socket
async def test_the_first_that_holds_is_taken() -> None:
    leaky = Leaky("os.fork", Execution("ok", stdout="ESCAPED\n"))
    good, spare = (Leaky("4738", Execution("ok", value="175306")) for _ in range(2))
    good.name = "good"
    guarded = Guarded(leaky, good, spare)
    assert (await guarded.run("4738 * 37", Limits())).value == "175306"
    assert (await guarded.report()).backend == "good"
    assert (leaky.runs, good.runs, spare.runs) == (len(CANARIES), len(CANARIES) + 1, 0)


@pytest.mark.enable_socket
async def test_every_backend_tells_why_not() -> None:
    leaky = Leaky("os.fork", Execution("ok", stdout="ESCAPED\n"))
    broken = Leaky("", Execution("unavailable", error="apt install it"))
    broken.name = "broken"
    execution = await Guarded(leaky, broken).run("1", Limits())
    assert execution.status == "unavailable"
    assert "leaky: the sandbox did not hold its canaries (fork escaped): mend it" in execution.error
    assert "broken: apt install it" in execution.error


@pytest.mark.enable_socket
async def test_a_backend_is_one_for_the_process(backend: str) -> None:
    assert get_sandbox(backend) is get_sandbox(backend)
    execution = await get_sandbox(backend).run("print(6 * 7)", Limits())
    assert replace(execution, milliseconds=0) == Execution("ok", stdout="42\n", backend=backend)
    await get_sandbox(backend).close()


@pytest.mark.enable_socket
async def test_auto_takes_one_of_them(backend: str) -> None:
    execution = await get_sandbox("auto").run("6 * 7", Limits())
    assert (execution.value, execution.backend in SAFE) == ("42", True)


def test_an_unknown_sandbox_is_explained() -> None:
    with pytest.raises(SandboxNameError, match="did you mean 'bubblewrap'"):
        get_sandbox("bublewrap")


@pytest.mark.enable_socket
async def test_the_unsafe_one_warns_and_is_marked() -> None:
    with pytest.warns(UnsafeSandboxWarning, match="walled in by nothing"):
        unsafe = get_sandbox("unsafe-subprocess")
    assert get_sandbox("unsafe-subprocess") is unsafe
    _, result = await PythonCoder(sandbox=unsafe)._arun(
        code="open(__import__('os').__file__).close()\n42"
    )
    assert result["text"] == "42"
    assert result["data"]["backend"] == "unsafe-subprocess"
    report = await probe(UnsafeSubprocess(), "")
    assert report.verdicts["read"] == report.verdicts["fork"] == "escaped"
    await unsafe.close()


async def test_the_unsafe_one_ends_what_was_started_at_its_timeout() -> None:
    sandbox = UnsafeSubprocess()
    code = "import os, time\nprint(os.fork(), flush=True)\ntime.sleep(60)"
    execution = await sandbox.run(code, Limits(wall=0.5))
    assert execution.status == "timeout"
    (child,) = (pid for pid in execution.stdout.split() if pid != "0")
    await until(lambda: not alive(int(child)))
    await sandbox.close()

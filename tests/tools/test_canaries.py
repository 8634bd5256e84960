"""The sandbox is trusted when every canary was held, and only then."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from tools.python_coder import PythonCoder
from tools.sandbox.canaries import HELD, probe
from tools.sandbox.choose import Guarded, auto
from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Execution, Limits

CANARIES = ["control", "read", "environment", "network", "fork", "write", "memory"]


class Leaky:
    """Holds every canary but those whose program contains `leak`; counts what it ran."""

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
async def test_landlock_holds_them_all(fresh: LandlockSandbox) -> None:
    report = await probe(fresh)
    assert report.trusted, report.reason
    assert report.verdicts == dict.fromkeys(CANARIES, "held")
    assert not [name for name in os.environ if name.startswith("AGENTFLOW_CANARY")]


@pytest.mark.enable_socket
async def test_without_walls_they_all_escape() -> None:
    report = await probe(Unguarded())
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
    assert "landlock" in text
    assert backend.runs == flown == len(CANARIES)


@pytest.mark.enable_socket
async def test_a_canary_that_proves_nothing_closes_it() -> None:
    report = await probe(Leaky("os.fork", Execution("timeout")))
    assert report.verdicts["fork"] == "unproven"
    assert not report.trusted


@pytest.mark.enable_socket
async def test_a_backend_that_cannot_start_gives_its_remedy() -> None:
    broken = Leaky("", Execution("unavailable", error="apt install libseccomp2"))
    execution = await Guarded(broken).run("1", Limits())
    assert execution.status == "unavailable"
    assert "apt install libseccomp2" in execution.error


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
async def test_auto_is_one_for_the_process(landlock: None) -> None:
    assert auto() is auto()
    execution = await auto().run("print(6 * 7)", Limits())
    assert replace(execution, milliseconds=0) == Execution("ok", stdout="42\n", backend="landlock")

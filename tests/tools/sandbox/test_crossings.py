"""Programs against each other and their keepers, all at once, as us and as an ordinary user."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import crossings
import escapes
import pytest
from battery import NOBODY, flown, flown_as_nobody

from tools.sandbox.choose import SAFE
from tools.sandbox.launch import MODULES
from tools.sandbox.protocol import Limits
from tools.sandbox.unsafe import UnsafeSubprocess
from tools.sandbox.warm import WarmSandbox

pytestmark = pytest.mark.enable_socket
NOTHING: dict[str, object] = {"faults": {}, "written": [], "survivors": []}


def test_there_are_ninety_programs_with_the_escapes() -> None:
    assert len(escapes.NAMES) + len(crossings.attackers()) >= 60 + 28


async def test_nobody_reaches_another(backend: str) -> None:
    found = await asyncio.to_thread(flown, [sys.executable], "crossings", backend, MODULES)
    assert found == {"uid": os.getuid(), **NOTHING}


@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
async def test_nobody_reaches_another_as_an_ordinary_user(backend: str) -> None:
    with tempfile.TemporaryDirectory(prefix="agentflow-nobody-") as folder:
        os.chmod(folder, 0o755)
        found = await asyncio.to_thread(flown_as_nobody, "crossings", backend, Path(folder))
    assert found == {"uid": int(NOBODY), **NOTHING}


@pytest.mark.parametrize(
    "name", ["inotify", "lease", "flock_library", "memfd", "datagram_pair", "clone_process"]
)
async def test_without_walls_it_reaches(name: str) -> None:
    """Else the battery would prove nothing."""
    sandbox = UnsafeSubprocess()
    execution = await sandbox.run(crossings.attackers()[name].code, crossings.LIMITS)
    await sandbox.close()
    assert "ESCAPED" in execution.stdout, execution


async def test_what_is_unlinked_counts(landlock: None) -> None:
    """Under landlock nothing but what was written tells how much is held."""
    sandbox = SAFE["landlock"]()
    code = (
        "import os, time\n"
        "for i in range(30):\n"
        "    f = os.open('f', os.O_CREAT | os.O_RDWR); os.unlink('f')\n"
        "    os.write(f, b'1' * 200_000)\n"
        "    time.sleep(0.01)\n"
        "print('held')"
    )
    execution = await sandbox.run(code, Limits(files=2_000_000))
    await sandbox.close()
    assert execution.error == "wrote more than 2 MB of files"


async def test_output_is_not_counted_as_files(sandbox: WarmSandbox) -> None:
    code = "import sys\nfor _ in range(9): sys.stdout.write('x' * 60_000); sys.stdout.flush()"
    execution = await sandbox.run(code, Limits(output=1 << 20, files=100_000))
    assert execution.status == "ok", execution.error


async def test_neither_process_keeps_what_a_program_was(fresh: WarmSandbox) -> None:
    """The scanner alone, right after the one it looks for: no other program's memory is about."""
    await fresh.run(crossings.VICTIM.replace("+ 4", "+ 0"), Limits())
    probe = crossings.attackers()["scan_memory"]
    execution = await fresh.run(probe.code, probe.limits)
    assert escapes.judge(probe, execution) == ""


async def test_a_program_that_dies_of_a_nameless_signal_is_told(sandbox: WarmSandbox) -> None:
    code = crossings.attackers()["realtime_death"].code
    execution = await sandbox.run(code, Limits())
    assert (execution.status, execution.error) == ("error", "killed by signal 40")

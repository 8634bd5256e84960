"""The battery of `tests/support/escapes.py` on every backend, as us and as an ordinary user."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import escapes
import pytest
from battery import NOBODY, flown, flown_as_nobody

from tools.sandbox.choose import SAFE
from tools.sandbox.launch import MODULES
from tools.sandbox.unsafe import UnsafeSubprocess
from tools.sandbox.warm import WarmSandbox

HARMLESS = ("read_passwd", "read_secret", "environ_of_others", "write_home", "signal_parent")

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def bait() -> Iterator[escapes.Bait]:
    with escapes.laid_bait() as laid:
        yield laid


@pytest.fixture(scope="module")
async def cell(backend: str, bait: escapes.Bait) -> AsyncIterator[WarmSandbox]:
    """A sandbox that starts after the baits are laid."""
    own = SAFE[backend]()
    yield own
    await own.close()


def test_there_are_thirty_three(bait: escapes.Bait) -> None:
    assert len(escapes.NAMES) == 33
    assert set(escapes.probes(bait)) == set(escapes.NAMES)


@pytest.mark.parametrize("name", escapes.NAMES)
async def test_is_contained(cell: WarmSandbox, bait: escapes.Bait, name: str) -> None:
    probe = escapes.probes(bait)[name]
    execution = await cell.run(probe.code, probe.limits)
    assert escapes.judge(probe, execution) == ""
    assert escapes.written(bait) == []


async def test_nothing_is_left_of_them(backend: str) -> None:
    found = await asyncio.to_thread(flown, [sys.executable], "escapes", backend, MODULES)
    assert found == {"uid": os.getuid(), "faults": {}, "written": [], "survivors": []}


@pytest.mark.parametrize("name", [*HARMLESS, *escapes.CALLS, "exec_shell"])
async def test_without_walls_it_escapes(bait: escapes.Bait, name: str) -> None:
    """Else the battery would prove nothing."""
    sandbox = UnsafeSubprocess()
    execution = await sandbox.run(escapes.probes(bait)[name].code, escapes.LIMITS)
    await sandbox.close()
    Path(bait.folder, "written").unlink(missing_ok=True)
    assert "ESCAPED" in execution.stdout or "ESCAPED" in execution.stderr, execution


@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
async def test_an_ordinary_user_is_contained_too(backend: str) -> None:
    # Not in `tmp_path`: any other pytest closes its parent to all but root again.
    with tempfile.TemporaryDirectory(prefix="agentflow-nobody-") as folder:
        os.chmod(folder, 0o755)
        found = await asyncio.to_thread(flown_as_nobody, "escapes", backend, Path(folder))
    assert found == {"uid": int(NOBODY), "faults": {}, "written": [], "survivors": []}

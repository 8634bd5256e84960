"""The battery of `tests/support/escapes.py` on every backend, as us and as an ordinary user."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import escapes
import pytest

from tools.sandbox.choose import SAFE
from tools.sandbox.launch import MODULES
from tools.sandbox.unsafe import UnsafeSubprocess
from tools.sandbox.warm import WarmSandbox

NOBODY = "65534"
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
    found = await asyncio.to_thread(flown, [sys.executable], backend, MODULES)
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
        found = await asyncio.to_thread(flown_as_nobody, backend, Path(folder))
    assert found == {"uid": int(NOBODY), "faults": {}, "written": [], "survivors": []}


def flown(python: list[str], backend: str, tree: Path) -> object:
    """What a program that runs the whole battery prints."""
    run = subprocess.run(
        [*python, f"{tree}/tests/support/escapes.py", backend],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def flown_as_nobody(backend: str, folder: Path) -> object:
    """The same, as a user who owns nothing here.

    The interpreter, its packages and the tree may lie in a home that this user cannot enter, so
    they are mounted in another place, in a mount namespace of the program's own.
    """
    if shutil.which("setpriv") is None or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("setpriv and unshare -m are needed to become another user with this Python")
    python, venv, tree = folder / "python", folder / "venv", folder / "tree"
    site = venv / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    for place in (python, tree, site, venv / "bin"):
        place.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"home = {python}/bin\n")
    interpreter = Path(sys.executable).resolve()
    (venv / "bin" / "python").symlink_to(python / interpreter.relative_to(sys.base_prefix))
    mounts = {sys.base_prefix: python, sysconfig.get_path("purelib"): site, str(MODULES): tree}
    steps = [f"mount --bind '{source}' '{place}'" for source, place in mounts.items()]
    user = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
    script = " && ".join([*steps, f'exec {user} "$0" "$@"'])
    return flown(["unshare", "-m", "sh", "-c", script, f"{venv}/bin/python"], backend, tree)

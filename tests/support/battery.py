"""Runs a battery of programs for a sandbox in a process of its own, also as another user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.sandbox.launch import MODULES

NOBODY = "65534"


def flown(python: list[str], battery: str, backend: str, tree: Path) -> object:
    """What a program that runs the whole battery prints."""
    run = subprocess.run(
        [*python, f"{tree}/tests/support/{battery}.py", backend],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def flown_as_nobody(battery: str, backend: str, folder: Path) -> object:
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
    return flown(
        ["unshare", "-m", "sh", "-c", script, f"{venv}/bin/python"], battery, backend, tree
    )

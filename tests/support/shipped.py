"""The wheel, as it is built from the sdist, and a fresh environment with what it asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentflow_graph", "tools", "benchmarks", "rl")
IN_SANDBOX = ("sandlock", "pyseccomp.py", "pyseccomp")
"""Read inside the sandbox, which follows no link out of the environment."""


class Release(NamedTuple):
    """The two files of a release."""

    sdist: Path
    wheel: Path


def tracked() -> set[str]:
    """Every file of the tree that is ours, relative to the root."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in names.splitlines() if (ROOT / name).is_file()}


PRIVATE = {
    ".env": "OPENAI_API_KEY=sk-private",
    "agentflow_graph/.env": "OPENAI_API_KEY=sk-private",
    ".git/config": "[remote]",
    "runs/mine/config.yaml": "seed: 7",
    "rl/runs/mine/config.yaml": "seed: 7",
    "shared/notes.md": "private",
    "tools/id_rsa": "private",
    "tools/__pycache__/base.cpython-311.pyc": "private",
    "build/site/index.html": "private",
}
"""Files that a tree may have beside what is ours, and a release never."""


def build(home: Path) -> Release:
    """The sdist of a copy of the tree with private files, and the wheel of that sdist alone."""
    for name in tracked():
        (home / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, home / "tree" / name)
    for name, text in PRIVATE.items():
        (home / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "tree" / name).write_text(text)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "../dist"]
    done = subprocess.run(command, cwd=home / "tree", capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    sdist, wheel = sorted((home / "dist").iterdir(), key=lambda file: file.suffix)
    return Release(sdist, wheel)


def environment(home: Path, wheel: Path) -> Path:
    """A fresh environment with the wheel and what it asks for, no extra; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    install = ["--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, timeout=120)
    packages = site_packages(home)
    for found in asked_for(site_packages(home)):
        for top, path in _tops(found).items():
            if not (packages / top).exists():
                (_copy if top in IN_SANDBOX else os.symlink)(path, packages / top)
    return python


def site_packages(home: Path) -> Path:
    (found,) = home.glob("lib/python3.*/site-packages")
    return found


def asked_for(packages: Path) -> list[Distribution]:
    """What the installed wheel needs, directly or not, without extras; from this environment."""
    (ours,) = (d for d in Distribution.discover(path=[str(packages)]) if _is_ours(d))
    found: dict[str, Distribution] = {}
    waiting = list(_requirements(ours, ""))
    while waiting:
        name, extras = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            raise AssertionError(f"{name} is asked for and not in this environment") from error
        waiting += [each for extra in (*extras, "") for each in _requirements(found[name], extra)]
    return list(found.values())


def _is_ours(found: Distribution) -> bool:
    return found.metadata["Name"] == "agentflow-graph"


def _requirements(found: Distribution, extra: str) -> Iterator[tuple[str, set[str]]]:
    for line in found.requires or []:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
            yield wanted.name.lower().replace("_", "-"), wanted.extras


def _tops(found: Distribution) -> dict[str, Path]:
    """Files and folders of a package at the top of site-packages."""
    tops = {str(file).partition("/")[0] for file in found.files or []}
    home = Path(str(found.locate_file("")))
    return {top: home / top for top in tops if top not in ("..", "__pycache__", "tests")}


def _copy(path: Path, to: Path) -> None:
    (shutil.copytree if path.is_dir() else shutil.copy2)(path, to)

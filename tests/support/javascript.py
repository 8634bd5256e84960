"""JavaScript with packages from npm, installed once per lock into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path


class Missing(Exception):
    """There is no node here, or no package index."""


def installed(source: Path) -> Path:
    """A folder with the packages that the lock in `source` names; raises Missing."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise Missing(f"{name} is not installed")
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "agentflow-graph" / "npm" / digest
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        options = ["--no-audit", "--no-fund", "--legacy-peer-deps", "--ignore-scripts"]
        done = _done(["npm", "ci", *options], folder)
        if done.returncode:
            raise Missing(f"npm cannot install {source.name}: {done.stderr.strip()[-300:]}")
        (folder / "installed").touch()
    return folder


def run(folder: Path, program: str, *arguments: str) -> str:
    """What `program` prints; a module, so it may import and await."""
    command = ["node", "--input-type=module", "-", *arguments]
    done = _done(command, folder, program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _done(command: list[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, timeout=180
    )

"""What is uploaded for a release: whole, valid, and nothing that is private."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from shipped import PACKAGES, PRIVATE, Release, tracked

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def in_sdist(release: Release) -> set[str]:
    with tarfile.open(release.sdist) as archive:
        files = [member.name for member in archive if member.isfile()]
    return {name.partition("/")[2] for name in files}


def test_an_index_would_take_both(release: Release) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, release)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_sdist_holds_what_the_wheel_needs_and_nothing_else(in_sdist: set[str]) -> None:
    ours = {name for name in tracked() if name.partition("/")[0] in PACKAGES}
    build = {name for name in tracked() if name.startswith("scripts/shipping/")}
    about = {"pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "PKG-INFO", "setup.cfg"}
    told = {name for name in in_sdist if name.startswith("agentflow_graph.egg-info/")}
    assert in_sdist - told == ours | build | about


def test_nothing_private_is_in_it(release: Release, in_sdist: set[str]) -> None:
    with zipfile.ZipFile(release.wheel) as archive:
        in_wheel = {name.removeprefix("agentflow_parts/") for name in archive.namelist()}
    assert (in_sdist | in_wheel) & set(PRIVATE) == set()
    ends = (".env", ".pem", ".key", ".pyc", ".png", ".sqlite", ".pt")
    assert [name for name in in_sdist | in_wheel if name.endswith(ends)] == []


def test_both_are_small(release: Release) -> None:
    assert release.sdist.stat().st_size < 2_100_000
    assert release.wheel.stat().st_size < 2_400_000


def test_every_file_says_the_same_version(release: Release) -> None:
    assert release.sdist.name == f"agentflow_graph-{VERSION}.tar.gz"
    assert release.wheel.name == f"agentflow_graph-{VERSION}-py3-none-any.whl"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION

"""What an installation holds: the commands, every module, every data file."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from setuptools import find_namespace_packages

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentflow_graph", "tools", "benchmarks", "rl")


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """Every file of the four packages, relative to the root."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = {name for name in names.splitlines() if (ROOT / name).exists()}
    assert found
    return found


def test_each_command_is_a_function(pyproject: dict[str, Any]) -> None:
    for name, target in pyproject["project"]["scripts"].items():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function)), name


def test_every_module_is_in_a_package_that_is_installed(
    pyproject: dict[str, Any], tracked: set[str]
) -> None:
    include = pyproject["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {name.replace(".", "/") for name in find_namespace_packages(str(ROOT), (), include)}
    modules = [name for name in tracked if name.endswith(".py")]
    assert [name for name in modules if str(Path(name).parent) not in packages] == []


def test_every_data_file_is_named(pyproject: dict[str, Any], tracked: set[str]) -> None:
    named = {
        f"{package}/{name}"
        for package, patterns in pyproject["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for name in glob(pattern, root_dir=ROOT / package, recursive=True)  # as setuptools does
    }
    data = {name for name in tracked if not name.endswith(".py")}
    assert data - named == set(), "add them to [tool.setuptools.package-data]"


@pytest.mark.integration
def test_the_wheel_works_beside_a_project_with_its_own_tools(
    tmp_path: Path, tracked: set[str]
) -> None:
    source, theirs, installed = (tmp_path / name for name in ("source", "theirs", "installed"))
    for name in {*tracked, "pyproject.toml", "README.md", "LICENSE"}:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([sys.executable, *build, str(source)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert tracked - set(archive.namelist()) == set()
        archive.extractall(installed)
    for package in PACKAGES[1:]:
        (theirs / package).mkdir(parents=True)
        (theirs / package / "__init__.py").write_text("")
    # As a command does, and `python -m` does not: without the folder it was called in.
    ask = f"""
import sys; sys.path.insert(0, {str(installed)!r})
import agentflow_graph.__main__ as command
assert command.__file__.startswith(sys.path[0])
sys.exit(command.main())
"""
    words = ["-P", "-c", ask, "What is the population of Old Harbor?"]
    done = subprocess.run(
        [sys.executable, *words], cwd=theirs, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Answer: 1189" in done.stdout

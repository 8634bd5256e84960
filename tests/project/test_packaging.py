"""What an installation holds: the commands, every module, every data file."""

from __future__ import annotations

import subprocess
import tomllib
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

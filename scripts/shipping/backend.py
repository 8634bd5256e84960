"""Builds the wheel: setuptools, at work on a copy of the tree in which our packages have a parent.

`tools`, `benchmarks` and `rl` are common names. In the wheel they lie below `agentflow_parts`, and
what our code says of them is put right (`renaming`), so nothing of a project that has such names of
its own is hidden, and nothing of ours. The sdist and an editable installation hold the tree as it
is. Hooks of PEP 517 and PEP 660; without `prepare_metadata_for_build_wheel` pip takes what it needs
from the wheel itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import renaming
from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
]

FILES = ("pyproject.toml", "README.md", "LICENSE")
Settings = Mapping[str, Any] | None


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Write the wheel of the tree in the working folder; returns its file's name."""
    target, tree = Path(wheel_directory).absolute(), Path.cwd()
    with TemporaryDirectory(prefix="agentflow-wheel-") as scratch:
        copy = Path(scratch)
        _copy(tree, copy)
        renaming.move(copy)
        os.chdir(copy)
        try:
            return str(build_meta.build_wheel(str(target), config_settings))
        finally:
            os.chdir(tree)


def _copy(tree: Path, copy: Path) -> None:
    for name in FILES:
        shutil.copy2(tree / name, copy / name)
    for package in ("agentflow_graph", *renaming.MOVED):
        leftovers = shutil.ignore_patterns("__pycache__")
        shutil.copytree(tree / package, copy / package, ignore=leftovers)

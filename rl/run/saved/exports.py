"""Planners of a run in the middle of its training.

<run>/exports/step-00010/    a Hugging Face folder, complete as <run>/model is
"""

from __future__ import annotations

import shutil
from pathlib import Path

HOME = "exports"


def folder(run: Path, step: int) -> Path:
    """Where the planner after `step` is put."""
    return run / HOME / f"step-{step:05d}"


def steps(run: Path) -> list[int]:
    """The steps whose planners are there, in order; half-written ones are not."""
    found = (path.name.removeprefix("step-") for path in (run / HOME).glob("step-*"))
    return sorted(int(name) for name in found if name.isdecimal())


def thin(run: Path, kept: int) -> None:
    """Remove all but the `kept` newest; 0: none."""
    for step in steps(run)[:-kept] if kept else []:
        shutil.rmtree(folder(run, step))

"""Checkpoints in a run folder: put in place whole, found again, and no more of them than needed.

<run>/checkpoints/_actor/global_step00040/   what DeepSpeed and the trainer saved
<run>/checkpoints/_actor/latest              the name of the one to resume from
"""

from __future__ import annotations

import shutil
from pathlib import Path

from agentflow_graph.record.artifacts import move_in, write_whole

KEPT = 2
"""The one to resume from, and the one before it."""


def home(run: Path) -> Path:
    """Where OpenRLHF keeps the policy's checkpoints."""
    return run / "checkpoints" / "_actor"


def latest(run: Path) -> str:
    """Name of the checkpoint to resume from; empty if there is none."""
    pointer = home(run) / "latest"
    return pointer.read_text().strip() if pointer.exists() else ""


def publish(saved: Path, home: Path) -> None:
    """Move a saved checkpoint into `home`, make it the latest, remove those before the last two."""
    move_in(saved, home / saved.name)
    write_whole(home / "latest", saved.name.encode())
    older = sorted(home.glob("global_step*"), key=lambda path: path.stat().st_mtime)
    for path in older[:-KEPT]:
        shutil.rmtree(path)

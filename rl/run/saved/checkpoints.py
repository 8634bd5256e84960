"""Checkpoints in a run folder: put in place whole, found again, and no more of them than needed.

<run>/checkpoints/_actor/global_step00040/   what DeepSpeed and the trainer saved, with its seal
<run>/checkpoints/_actor/latest              the name of the one to resume from
"""

from __future__ import annotations

import shutil
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import move_in, write_whole
from rl.run.saved import seal

STEP = "global_step"
"""A checkpoint's name is this and its step."""
KEPT = 2
"""The one to resume from, and the one before it."""


def home(run: Path) -> Path:
    """Where OpenRLHF keeps the policy's checkpoints."""
    return run / "checkpoints" / "_actor"


def latest(run: Path) -> str:
    """Name of the checkpoint to resume from; empty if there is none."""
    pointer = home(run) / "latest"
    return pointer.read_text().strip() if pointer.exists() else ""


def number(name: str) -> int:
    """The step of a checkpoint; -1 where the name is none of ours."""
    digits = name.removeprefix(STEP)
    return int(digits) if digits.isdecimal() and name != digits else -1


def step_of(run: Path, name: str = "") -> int:
    """The step that a resume begins after: of the named checkpoint, else of the latest, else 0.

    Raises:
        SettingError: the run keeps no such checkpoint.
    """
    named = name or latest(run)
    kept = sorted((path.name for path in home(run).glob(f"{STEP}*")), key=number)
    if named and (named not in kept or number(named) < 0):
        there = ", ".join(kept) or "none yet"
        raise SettingError(f"checkpoint {named!r} is not kept in {home(run)}; there are: {there}")
    return number(named) if named else 0


def resume_from(run: Path, name: str) -> None:
    """Let the next resume begin at the checkpoint `name`."""
    write_whole(home(run) / "latest", name.encode())


def hold_to_saved(run: Path, trusted: bool) -> None:
    """See that the checkpoint to resume from is what this user saved; `rl.run.saved.seal` says how.

    Raises:
        SettingError: it is not, naming the file, or it lies elsewhere.
    """
    pointer, name = home(run) / "latest", latest(run)
    if not name:
        return
    folder = home(run) / name
    if folder.parent != home(run) or name == ".." or not folder.is_dir():
        raise SettingError(
            f"{pointer} names {name!r}, which is no folder beside it; write the name of one there, "
            "or start a new run"
        )
    kept = [path.name for path in home(run).glob(f"{STEP}*") if path.name != name]
    remedy = f"resume with --checkpoint {max(kept, key=number)}" if kept else "start a new run"
    seal.hold_to_seal(folder, _files(folder), trusted, remedy)


def _files(folder: Path) -> list[str]:
    """What a seal is about: all but the seal."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()]
    return [str(path) for path in paths if path != Path(seal.NAME)]


def publish(saved: Path, home: Path) -> None:
    """Seal a saved checkpoint, move it into `home`, make it the latest, keep the last two."""
    seal.seal(saved, _files(saved))
    move_in(saved, home / saved.name)
    write_whole(home / "latest", saved.name.encode())
    older = sorted(home.glob(f"{STEP}*"), key=lambda path: path.stat().st_mtime)
    for path in older[:-KEPT]:
        shutil.rmtree(path)

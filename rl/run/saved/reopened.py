"""A run that goes on otherwise than it began: with other settings, more steps, an older checkpoint.

    go_on(known, wanted, "global_step4")

Rollouts and measurements after a checkpoint were made by weights that another learning rate does
not lead to. They are then set aside, into <run>/aside/, and made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record.artifacts import read_object, write_whole
from rl.questions import data
from rl.run.folder import records
from rl.run.record import TALLIES
from rl.run.saved import checkpoints, closed, exports
from rl.run.saved.seal import write_sealed
from rl.settings.changes import LEARNING, hold_to_changes
from rl.settings.config import Config
from rl.settings.yaml_file import dumped


def go_on(known: Config, wanted: Config, trusted: bool, checkpoint: str = "") -> None:
    """Make ready a run of settings `known` that is to go on as `wanted`; of others only if trusted.

    Raises:
        SettingError: what is wanted cannot be, or the checkpoint is not as it was saved.
    """
    changed = hold_to_changes(known, wanted)
    run, step = wanted.run, checkpoints.step_of(wanted.run, checkpoint)
    _hold_to_steps(wanted, step)
    data.extend(wanted)
    if checkpoint:
        checkpoints.resume_from(run, checkpoint)
    checkpoints.hold_to_saved(run, trusted)
    if set(changed) & set(LEARNING):
        set_aside(run, step)
    if changed:
        write_sealed(run / "config.yaml", dumped(wanted))
    (run / "summary.json").unlink(missing_ok=True)


def _hold_to_steps(wanted: Config, step: int) -> None:
    """Steps that are left: none in a run that is done, unless there are more of them now."""
    summary = wanted.run / "summary.json"
    remedy = "remove it: the run then goes on to its end"
    done = read_object(summary, remedy).get("steps", 0) if summary.exists() else step
    if wanted.steps < done or (summary.exists() and wanted.steps == done and step == done):
        raise SettingError(
            f"steps={wanted.steps}: {wanted.run} has done {done} already; give more, such as "
            f"steps={2 * done or 1}, or an earlier --checkpoint"
        )


def set_aside(run: Path, step: int) -> None:
    """Take out of a run what it made after `step`, but for the rollouts that `step` sampled.

    Where steps close early, those of the next step were not all sampled by it.
    """
    early = bool(closed.closed_steps(run / "record"))
    closed.keep(run / "record", lambda one: one <= step)
    place = run / "aside" / f"{1 + len(list((run / 'aside').glob('*'))):03d}"
    for folder in [
        *(run / "record").glob("*-*"),
        *checkpoints.home(run).glob(f"{checkpoints.STEP}*"),
    ]:
        if folder.is_dir() and _later(folder.name, step, early):
            _move(folder, place / folder.relative_to(run))
    for number in exports.steps(run):
        if number > step:
            folder = exports.folder(run, number)
            _move(folder, place / folder.relative_to(run))
    if int(trained_under(run / "best").get("steps", 0)) > step:
        _move(run / "best", place / "best")
    _keep(run / "metrics.jsonl", place, records(run / "metrics.jsonl"), lambda e: _old(e, step))
    tallies = run / "record" / TALLIES
    if tallies.exists():
        known = [orjson.loads(line) for line in tallies.read_bytes().splitlines()]
        _keep(tallies, place / "record", known, lambda one: not _later(one[0], step, early))


def _later(name: str, step: int, early: bool) -> bool:
    """Whether a checkpoint or a part of the record was made by the weights of a later step."""
    if name.startswith(checkpoints.STEP):
        return checkpoints.number(name) > step
    kind, number = name.split("-")[:2]
    return int(number) > step + (kind == "train" and not early)


def _old(entry: dict[str, Any], step: int) -> bool:
    return int(entry.get("step", 0)) <= step


def _keep(path: Path, place: Path, lines: list[Any], old: Callable[[Any], bool]) -> None:
    """Leave the old lines in a file; the whole of it is copied to `place`."""
    if not path.exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place / path.name)
    write_whole(path, b"".join(orjson.dumps(line) + b"\n" for line in lines if old(line)))


def _move(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    path.rename(place)

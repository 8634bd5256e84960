"""The parts of a run's record whose steps are done: packed, and removed where that is asked for.

    tidied(run, record, done=7, keep=5)

    <run>/record/train-00003/<process>.jsonl.zst   packed (`agentflow_graph.record.packed`)
    <run>/record/lessons.jsonl                     what removed steps taught the curriculum

A late group may write to the part of the step before the one that waits for it. So a part is packed
when the step after it is done. Removed is what is older than `record.keep` steps and than every
checkpoint; the first evaluations stay, which the report compares with.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson

from agentflow_graph.record.artifacts import interpreting, not_written, read_bytes
from agentflow_graph.record.packed import pack
from rl.run.record import TrainingRecord, lessons, train_batch
from rl.run.saved import checkpoints
from rl.run.saved.closed import closed_steps

LESSONS = "lessons.jsonl"
REMEDY = "put the run's own file back"

Lesson = tuple[str, float | None]
"""Question and reward of a run; see `rl.run.record.lessons`."""


def tidied(run: Path, record: TrainingRecord, done: int, keep: int) -> None:
    """Pack and remove what is old now that step `done` is.

    Args:
        run: its folder.
        record: of the run, as this process has it.
        done: steps that are done.
        keep: steps whose parts stay; 0: all.

    Raises:
        NotWritten: the disk is full; nothing is lost.
    """
    for part in sorted(record.folder.glob("*-*")):
        number = step_of(part.name)
        if not part.is_dir() or number >= done:
            continue
        record.forget(part.name)
        if _needless(run, part.name, done, keep):
            _remember(record.folder, part)
            shutil.rmtree(part)
            continue
        for path in sorted(part.glob("*.jsonl")):
            pack(path)


def step_of(part: str) -> int:
    """The step of a part of the record, by its name."""
    found = re.search(r"-(\d{5,})(-|$)", part)
    return int(found[1]) if found else -1


def _needless(run: Path, part: str, done: int, keep: int) -> bool:
    number, home = step_of(part), checkpoints.home(run)
    saved = [checkpoints.number(path.name) for path in home.glob(f"{checkpoints.STEP}*")]
    old = bool(keep) and number <= done - keep
    return old and number > 0 and number < min(saved, default=0)


def _remember(record: Path, part: Path) -> None:
    """Keep what a step taught the curriculum, which a resumed run asks for."""
    if part.name != train_batch(step_of(part.name)):
        return
    try:
        with (record / LESSONS).open("ab") as file:
            file.write(orjson.dumps([part.name, lessons(part)]) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise not_written(record / LESSONS, error) from error


def outcomes_of(record: Path, step: int) -> list[Lesson]:
    """Question and reward of the runs that a step was made of, whichever step had asked for them.

    Raises:
        SettingError: a file cannot be read.
    """
    closed = closed_steps(record).get(step)
    own = _lessons(record, step)
    if closed is None:
        return own
    late, carried = set(closed.late), set(closed.carried)
    return [one for one in _lessons(record, step - 1) if one[0] in carried] + [
        one for one in own if one[0] not in late
    ]


def _lessons(record: Path, step: int) -> list[Lesson]:
    name = train_batch(step)
    if (record / name).is_dir():
        return lessons(record / name)
    return next((told for part, told in _remembered(record) if part == name), [])


def _remembered(record: Path) -> Iterator[tuple[str, list[Lesson]]]:
    path = record / LESSONS
    lines = (read_bytes(path, REMEDY) if path.exists() else b"").split(b"\n")[:-1]
    with interpreting(path, REMEDY):
        for line in lines:
            part, told = orjson.loads(line)
            yield part, [(name, reward) for name, reward in told]

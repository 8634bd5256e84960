"""The run folder on disk: who may write in it, and how something gets there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.record import hold

ENDING = 45.0
"""Seconds that the processes of a killed trainer may need to end; Ray takes about five."""


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, also after a kill, finds the old or the new file."""
    aside = path.with_name(f".{path.name}.partial")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    _sync(path.parent)


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file, if there is one; a line that a kill tore is left out."""
    found = []
    for text in path.read_bytes().splitlines() if path.exists() else []:
        with suppress(orjson.JSONDecodeError):
            found.append(orjson.loads(text))
    return found


def move_in(aside: Path, place: Path) -> None:
    """Force the folder `aside` onto the disk, then put it where `place` is, in its stead."""
    for path in sorted(aside.rglob("*")):
        _sync(path)
    _sync(aside)
    if place.exists():
        shutil.rmtree(place)
    aside.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hold_to_planner(run: Path, model: Path) -> None:
    """Remember which weights a run began with, or see that they are still the same.

    Policy and reference are read from `model` whenever the run is resumed. Compared are names,
    sizes and the first MiB of its weights, which is where an optimizer step shows too.

    Raises:
        SettingError: they are others.
    """
    weights = sorted([*model.glob("*.safetensors"), *model.glob("*.bin")])
    marks = {path.name: [path.stat().st_size, _head(path)] for path in weights}
    known = run / "record" / "planner.json"
    if not known.exists():
        write_whole(known, orjson.dumps(marks))
    elif orjson.loads(known.read_bytes()) != marks:
        raise SettingError(
            f"the weights in {model} are not those that {run} began with; put them back, or start "
            "a new run"
        )


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(2**20)).hexdigest()


@contextmanager
def claim(run: Path) -> Iterator[None]:
    """This process is the only trainer of `run` inside.

    Waits until the graph workers of a killed trainer are gone: what they still write must be read.

    Raises:
        SettingError: another trainer is at work in the folder.
    """
    record = run / "record"
    held = hold(
        record / "trainer.lock", f"another trainer is at work in {run}; wait for it or stop it"
    )
    try:
        busy = (
            f"a graph worker of an earlier trainer still writes to {record}; end it "
            "(`ps aux | grep ray::`) and try again"
        )
        os.close(hold(record / "writers.lock", busy, patience=ENDING))
        yield
    finally:
        os.close(held)


def hold_as_writer(record: Path) -> int:
    """Say that this process writes to the record, until it ends or closes what is returned."""
    return hold(record / "writers.lock", f"{record} is being claimed by a trainer", shared=True)

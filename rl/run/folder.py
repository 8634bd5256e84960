"""The run folder on disk: who may write in it, and how something gets there whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import orjson

from agentflow_graph.errors import SettingError

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


def as_json(record: dict[str, Any]) -> bytes:
    """A record as JSON. A tool's arguments may hold anything that a model can write."""
    try:
        return orjson.dumps(record)
    except TypeError:
        return orjson.dumps(_storable(record))


def _storable(value: Any) -> Any:
    """`value` without numbers beyond 64 bits and without half characters: JSON has neither."""
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


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
    known = run / "journal" / "planner.json"
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


def claim(run: Path) -> IO[str]:
    """Make this process the only trainer of `run`, until it ends or closes what is returned.

    Waits until the graph workers of a killed trainer are gone: what they still write must be read.

    Raises:
        SettingError: another trainer is at work in the folder.
    """
    journal = run / "journal"
    journal.mkdir(parents=True, exist_ok=True)
    claimed = (journal / "trainer.lock").open("w")
    try:
        fcntl.flock(claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        claimed.close()
        raise SettingError(f"another trainer is at work in {run}; wait for it or stop it") from None
    try:
        _wait_for_writers(journal)
    except SettingError:
        claimed.close()
        raise
    return claimed


def _wait_for_writers(journal: Path) -> None:
    until = time.monotonic() + ENDING
    with (journal / "writers.lock").open("w") as writers:
        while True:
            try:
                fcntl.flock(writers, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if time.monotonic() > until:
                    raise SettingError(
                        f"a graph worker of an earlier trainer still writes to {journal}; "
                        "end it (`ps aux | grep ray::`) and try again"
                    ) from None
                time.sleep(0.1)


def hold_as_writer(journal: Path) -> int:
    """Say that this process writes to the journal, until it ends or closes what is returned."""
    journal.mkdir(parents=True, exist_ok=True)
    held = os.open(journal / "writers.lock", os.O_WRONLY | os.O_CREAT, 0o644)
    fcntl.flock(held, fcntl.LOCK_SH)
    return held

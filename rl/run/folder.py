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
from pydantic import BaseModel, ValidationError

from agentflow_graph.errors import NotWritten, SettingError
from agentflow_graph.record import hold
from agentflow_graph.record.artifacts import (
    faults,
    move_in,
    not_written,
    read_bytes,
    read_object,
    write_whole,
)
from rl.settings.paths import closed
from tools.outcomes.finding import Finding, failure, ok

ENDING = 45.0
"""Seconds that the processes of a killed trainer may need to end; Ray takes about five."""


class Entry(BaseModel):
    """A line of `metrics.jsonl`: of what kind values are that it has. Which it has is by kind."""

    kind: str
    wall: float = 0.0
    step: int = 0
    seconds: float = 0.0
    runs: int = 0
    failed: int = 0
    reward: float = 0.0
    turns: float = 0.0
    tool_errors: float = 0.0
    tools: dict[str, float] = {}
    policy_versions: list[int] = []
    failures: dict[str, int] = {}
    temperature: float = 0.0
    n: int = 0
    success: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    levels: dict[str, float] = {}


def records(path: Path) -> list[dict[str, Any]]:
    """The entries of `metrics.jsonl`, if there is one; a line that a kill tore is left out.

    Raises:
        SettingError: the file cannot be read, or a whole line of it is no entry.
    """
    remedy = "take the run's own file back, or remove the line"
    lines = read_bytes(path, remedy).split(b"\n") if path.exists() else []
    found: list[dict[str, Any]] = []
    for number, text in enumerate(lines, 1):
        with suppress(orjson.JSONDecodeError):
            entry = orjson.loads(text)
            try:
                Entry.model_validate(entry)
            except ValidationError as error:
                told = f"{path}:{number} is damaged ({faults(error)})"
                raise SettingError(f"{told}; {remedy}") from None
            found.append(entry)
    return found


def place_of_run(run: Path) -> Finding:
    """Whether a new run can be put in the folder `run`, which must be new or empty."""
    other = "choose another folder"
    if fault := closed(run):
        return failure("run", fault, other)
    try:
        full = run.exists() and any(run.iterdir())
    except OSError as error:
        return failure("run", f"{run} cannot be read: {error.strerror}", other)
    if full:
        return failure("run", f"{run} is not empty", f"{other} or remove it")
    return ok("run", str(run))


@contextmanager
def making(out: Path) -> Iterator[Path]:
    """A folder to fill, which is put at `out` when all went well, and is gone otherwise.

    Raises:
        NotWritten: the disk is full, or the place cannot be written.
    """
    from safetensors import SafetensorError

    fresh = out.with_name(f"{out.name}.partial")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        move_in(fresh, out)
    except OSError as error:
        raise not_written(out, error) from error
    except SafetensorError as error:  # how weights that do not fit on the disk are told
        raise NotWritten(f"{out} cannot be written: {error}; make room there") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def hold_to_planner(run: Path, model: Path, part: str = "planner") -> None:
    """Remember which weights a run began with, or see that they are still the same.

    Policy and reference are read from `model` whenever the run is resumed; `part` says which it is.
    Compared are names, sizes and the first MiB of its weights, which is where an optimizer step
    shows too.

    Raises:
        SettingError: they are others.
    """
    weights = sorted([*model.glob("*.safetensors"), *model.glob("*.bin")])
    marks = {path.name: [path.stat().st_size, _head(path)] for path in weights}
    known = run / "record" / f"{part}.json"
    if not known.exists():
        write_whole(known, orjson.dumps(marks))
    elif read_object(known, "put the run's own file back, or start a new run") != marks:
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

"""What each step of a run was made of, where steps may close before their last groups are done.

    <run>/record/closed.jsonl     a line a step

Written before the step is trained on: a resumed run makes it of the same groups.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from agentflow_graph.record.artifacts import (
    interpreting,
    not_written,
    read_bytes,
    write_whole,
)

NAME = "closed.jsonl"
REMEDY = "put the run's own file back"


@dataclass(frozen=True)
class Closed:
    """The groups of a step, by the ids of their questions."""

    step: int
    carried: list[str]
    """Late in the step before."""
    own: list[str]
    late: list[str]
    """They serve the next step."""

    def places(self, names: Sequence[str], carried: int) -> list[int]:
        """Which of these groups make up the step; the first `carried` were late before."""
        known = [set(self.carried), set(self.own)]
        return [n for n, name in enumerate(names) if name in known[n >= carried]]


def closed_steps(record: Path) -> dict[int, Closed]:
    """The steps that have closed, by number; a torn line is none.

    Raises:
        SettingError: the file cannot be read.
    """
    path = record / NAME
    lines = (read_bytes(path, REMEDY) if path.exists() else b"").split(b"\n")[:-1]
    with interpreting(path, REMEDY):
        found = [Closed(**orjson.loads(line)) for line in lines]
    return {closed.step: closed for closed in found}


def add(record: Path, closed: Closed) -> None:
    """Put a step on the disk.

    Raises:
        NotWritten: the disk does not take it.
    """
    path = record / NAME
    if path.exists() and not path.read_bytes().endswith(b"\n"):  # a kill tore the last line
        keep(record, lambda _: True)
    try:
        record.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(_line(closed))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise not_written(path, error) from error


def keep(record: Path, wanted: Callable[[int], bool]) -> None:
    """Leave the lines of some steps; raises NotWritten as `add` does."""
    known = closed_steps(record)
    if known:
        left = (_line(closed) for step, closed in known.items() if wanted(step))
        write_whole(record / NAME, b"".join(left))


def _line(closed: Closed) -> bytes:
    return orjson.dumps(asdict(closed)) + b"\n"

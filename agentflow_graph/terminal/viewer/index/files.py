"""The files of a folder that the viewer reads, and bytes of them: nothing outside the folder.

A packed file goes by the name that it had before, and its bytes are those that it holds. A link
that leads out of the folder is passed over, and so is whatever is no ordinary file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from agentflow_graph.record.events import event_of
from agentflow_graph.record.packed import SUFFIX, Damaged, packed, plain

LONGEST = 256 * 2**20
"""Bytes of a line that is still read; a longer one counts as damaged."""
ITEMS = "items.jsonl"
"""Questions and reference answers of a benchmark."""
METRICS = "metrics.jsonl"
"""A line per step and evaluation of a training."""
_HEAD = re.compile(rb"[0-9a-f]{8} ")
_FIRST = 2**20


class Found(NamedTuple):
    """A file as it is now."""

    path: str
    """Below the folder; of a packed one without the ending."""
    inode: int
    size: int
    """Bytes; of a packed one in its packed form."""
    packed: bool = False


class Line(NamedTuple):
    """Where a line stands."""

    file: int
    start: int
    length: int


def found_in(root: Path, known: Container[str]) -> list[Found]:
    """The record's files below `root`, and a benchmark's items; new ones in the order begun."""
    found: list[tuple[float, Found]] = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            file = _file(root, path)
            if file is None or (file.packed and path.stem in names):  # a kill left both
                continue
            begun = 0.0 if file.path in known else _begun(root, file.path)
            if begun is not None:
                found.append((begun, file))
    return [each for _, each in sorted(found)]


def _file(root: Path, path: Path) -> Found | None:
    """A file by its name and state; None where it is none that is read."""
    below = path.relative_to(root)
    at_rest = below.suffix == SUFFIX
    plain_name = below.with_suffix("") if at_rest else below
    if plain_name.suffix != ".jsonl" or not (state := _ordinary(path)) or not state.st_size:
        return None
    return Found(str(plain_name), state.st_ino, state.st_size, at_rest)


def _begun(root: Path, path: str) -> float | None:
    """When a file of a record was begun, 0 if it does not say; None for a file of another kind."""
    if path == ITEMS:
        return 0.0
    try:
        with opened_below(root, path) as file:
            line = file.readline(_FIRST)
    except OSError:  # gone meanwhile, or not ours to read
        return None
    if not _HEAD.match(line):
        return None
    time = (event_of(line) or {}).get("time")
    return float(time) if isinstance(time, int | float) else 0.0


def _ordinary(path: Path) -> os.stat_result | None:
    try:
        state = path.lstat()
    except OSError:  # gone meanwhile
        return None
    return state if stat.S_ISREG(state.st_mode) else None


def opened_below(root: Path, path: str) -> BinaryIO:
    """A file of the folder, or what it holds if it was packed, for reading.

    Raises:
        OSError: it is not there, is a link, or lies outside the folder.
    """
    try:
        return _opened(root, Path(path))
    except FileNotFoundError:
        if not path.endswith(".jsonl"):
            raise
    return plain(_opened(root, packed(Path(path))))


def _opened(root: Path, path: Path) -> BinaryIO:
    place = (root / path).parent.resolve() / path.name
    if not place.is_relative_to(root):
        raise FileNotFoundError(path)
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(path)
    return os.fdopen(handle, "rb")


def lines_from(file: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines from an offset on, each with its own; an empty one stands for one unreadable."""
    try:
        file.seek(start)
        while line := file.readline(LONGEST):
            if line.endswith(b"\n"):
                yield start, line
            elif len(line) < LONGEST:  # torn, or still being written
                return
            else:
                yield start, b""
            start += len(line)
    except Damaged:
        yield start, b""

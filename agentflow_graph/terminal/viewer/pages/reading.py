"""One recorded run, read by where its lines stand in the files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.record.events import Event, event_of
from agentflow_graph.record.reading import RecordedRun
from agentflow_graph.terminal.viewer.index.files import LONGEST, Line, opened_below

LINES = 5000
"""Lines of one run that are read; one with more is shown up to there."""


class Read(NamedTuple):
    """A run as far as it can be read."""

    run: RecordedRun
    row: sqlite3.Row
    lines: int
    damaged: int
    left: int
    """Lines beyond those that are read."""


def read_run(root: Path, db: sqlite3.Connection, name: str) -> Read:
    """Read one run.

    Raises:
        SettingError: there is none of that name.
    """
    row = row_of(db, name)
    places = db.execute(
        "select file, start, length from lines where run = ? order by file, start limit ?",
        (row["id"], LINES),
    ).fetchall()
    count = db.execute("select count(*) from lines where run = ?", (row["id"],)).fetchone()[0]
    run, damaged = RecordedRun(name), 0
    for event in events_at(root, db, (Line(*place) for place in places)):
        if event is None or event.get("run") != name:
            damaged += 1
            continue
        run.add(event)
        if event["event"] == "begun":
            run.resources = _resources(root, db, event["resources"])
    return Read(run, row, count, damaged, count - len(places))


def row_of(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    """What the index knows of a run; raises SettingError if there is none of that name."""
    row: sqlite3.Row | None = db.execute("select * from runs where name = ?", (name,)).fetchone()
    if row is None:
        near = db.execute(
            "select name from runs where name like ? limit 20", (f"{name[:20]}%",)
        ).fetchall()
        hint = closest(name, [each[0] for each in near])
        raise SettingError(f"there is no run {name[:200]!r}{hint}; look it up in the list")
    return row


def _resources(root: Path, db: sqlite3.Connection, digest: str) -> Event:
    place = db.execute(
        "select file, start, length from resources where digest = ?", (digest,)
    ).fetchone()
    found = next(events_at(root, db, [Line(*place)]), None) if place else None
    return found or {}


def events_at(root: Path, db: sqlite3.Connection, places: Iterable[Line]) -> Iterator[Event | None]:
    """The events that stand there; None for one that is not there any more."""
    files: dict[int, BinaryIO | None] = {}
    try:
        for place in places:
            if place.file not in files:
                files[place.file] = _opened(root, db, place.file)
            file = files[place.file]
            yield _event(file, place) if file else None
    finally:
        for file in files.values():
            if file:
                file.close()


def _opened(root: Path, db: sqlite3.Connection, number: int) -> BinaryIO | None:
    row = db.execute("select path from files where id = ?", (number,)).fetchone()
    try:
        return opened_below(root, row[0]) if row else None
    except OSError:
        return None


def _event(file: BinaryIO, place: Line) -> Event | None:
    file.seek(place.start)
    return event_of(file.read(min(place.length, LONGEST)))

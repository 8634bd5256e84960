"""Brings an index up to date, again and again, while others read it.

    follower = Follower(index)
    follower.start()                 # a thread of its own
    follower.progress.revision       # has grown whenever something was learned

A file is read from where it was left, also when it was packed meanwhile. One that is gone, has
become shorter, or is another file under the same name, makes the whole index begin anew.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from agentflow_graph.terminal.viewer.index.files import (
    ITEMS,
    Found,
    Line,
    found_in,
    lines_from,
    opened_below,
)
from agentflow_graph.terminal.viewer.index.learning import Learner
from agentflow_graph.terminal.viewer.index.store import Index

PAUSE = 1.0
"""Seconds between two looks at the folder, at least; looking takes a tenth of the time at most."""
AT_ONCE = 0.3
"""Seconds of work between two states that others see."""
YIELD = 0.002
"""Seconds for whoever waits for an answer meanwhile."""


class Known(NamedTuple):
    """A file as the index has it."""

    path: str
    inode: int
    done: int
    """Bytes that were read."""
    packed: bool


class Replaced(Exception):
    """A file is not the one that was read before."""


@dataclass
class Progress:
    """How far the index is, in bytes of the files."""

    done: int = 0
    size: int = 0
    revision: int = 0
    seconds: float = 0.0
    """That the first pass took."""
    fault: str = ""
    """Why the index is no longer brought up to date."""

    @property
    def whole(self) -> bool:
        """Whether the first pass is over."""
        return self.seconds > 0


class Follower:
    """Follows the files of an index's folder.

    Args:
        index: what to bring up to date.
        solved_at: the reward from which on a run counts as right.
    """

    def __init__(self, index: Index, solved_at: float = 1.0) -> None:
        self.progress = Progress()
        self._index, self._solved_at = index, solved_at
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="viewer-index", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the index is whole."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._index.close()

    def _follow(self) -> None:
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                self.look()
            except (OSError, sqlite3.Error) as error:
                self.progress.fault = f"the index is no longer brought up to date: {error}"
            took = time.monotonic() - begun
            self._ending.wait(max(PAUSE, 10 * took if self.progress.whole else 0))

    def look(self) -> None:
        """Read what is new."""
        begun = time.monotonic()
        if self._index.mine:
            try:
                self._read_all()
            except Replaced:
                self._index.clear()
                self._read_all()
        else:  # another viewer does it: what is read here is its work
            self.progress.revision += 1
            self.progress.done = self.progress.size
        self.progress.seconds = self.progress.seconds or max(time.monotonic() - begun, 1e-6)
        self.progress.fault = ""

    def _read_all(self) -> None:
        with closing(self._index.writing()) as db:
            rows = db.execute("select path, inode, done, packed from files")
            known = {row[0]: Known(*row) for row in rows}
            files = found_in(self._index.root, known)
            self._check(files, known)
            self.progress.size = sum(file.size for file in files)
            self.progress.done = sum(_done(file, known.get(file.path)) for file in files)
            learner = Learner(db, self._solved_at)
            for file in files:
                if self._ending.is_set():
                    return
                if _is_new(file, known.get(file.path)):
                    self._read(db, learner, file)

    def _check(self, files: list[Found], known: dict[str, Known]) -> None:
        now = {file.path: file for file in files}
        for before in known.values():
            file = now.get(before.path)
            if file is None:
                raise Replaced(before.path)
            if file.packed and not before.packed:
                continue
            if file.inode != before.inode or (not file.packed and file.size < before.done):
                raise Replaced(before.path)

    def _read(self, db: sqlite3.Connection, learner: Learner, file: Found) -> None:
        db.execute("insert or ignore into files(path, inode) values(?, ?)", (file.path, file.inode))
        number, start, refused = db.execute(
            "select id, done, refused from files where path = ?", (file.path,)
        ).fetchone()
        if refused:
            return
        learn = learner.item if file.path == ITEMS else learner.learn
        try:
            with opened_below(self._index.root, file.path) as lines:
                for batch in _batches(lines_from(lines, start), self._ending):
                    db.execute("begin")
                    for at, line in batch:
                        learn(Line(number, at, len(line)), line)
                        start = at + len(line)
                    self._keep(db, number, start, counts=not file.packed)
                    time.sleep(YIELD)
                if self._ending.is_set():
                    return
                torn = lines.tell() > start
        except OSError:  # gone, or not ours to read any more
            return
        db.execute("update files set torn = ? where id = ? and torn != ?", (torn, number, torn))
        if file.packed:
            known = "update files set packed = 1, inode = ? where id = ?"
            db.execute(known, (file.inode, number))
            self.progress.done += file.size

    def _keep(self, db: sqlite3.Connection, number: int, done: int, counts: bool) -> None:
        before = db.execute("select done from files where id = ?", (number,)).fetchone()[0]
        db.execute("update files set done = ? where id = ?", (done, number))
        db.execute("commit")
        self.progress.done += counts * (done - before)
        self.progress.revision += 1


def _is_new(file: Found, before: Known | None) -> bool:
    """Whether something of a file has not been read; what is packed grows no more."""
    if before is None or file.packed != before.packed:
        return True
    return not file.packed and before.done < file.size


def _done(file: Found, before: Known | None) -> int:
    """Bytes of a file, as it lies there, that need not be read again."""
    if before is None or file.packed != before.packed:
        return 0
    return file.size if file.packed else before.done


def _batches(
    lines: Iterator[tuple[int, bytes]], ending: threading.Event
) -> Iterator[Iterator[tuple[int, bytes]]]:
    """The lines in portions of `AT_ONCE` seconds of whoever uses them."""
    for first in lines:
        if ending.is_set():
            return
        yield _portion(first, lines, time.monotonic() + AT_ONCE)


def _portion(
    first: tuple[int, bytes], lines: Iterator[tuple[int, bytes]], until: float
) -> Iterator[tuple[int, bytes]]:
    yield first
    while time.monotonic() < until and (line := next(lines, None)):
        yield line

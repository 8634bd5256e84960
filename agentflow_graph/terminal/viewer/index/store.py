"""The index of one folder: a SQLite file in the cache folder, never in the folder itself.

    index = Index.of(Path("runs/demo"))
    with index.reading() as db:
        db.execute("select count(*) from runs").fetchone()

It holds what a list shows and where the rest stands: lines by file, offset and length. It can be
removed at any time, and is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import opened

VERSION = 3
"""Of the tables; an index of another one is made anew."""
WAIT = 5.0
"""Seconds for which one connection waits for another."""
TABLES = """
create table files(
  id integer primary key, path text unique not null, inode integer not null,
  packed integer not null default 0,
  done integer not null default 0, damaged integer not null default 0,
  torn integer not null default 0, unknown integer not null default 0,
  refused text not null default '');
create table runs(
  id integer primary key, name text unique not null,
  part text not null default '', item text not null default '', number integer not null default 0,
  step integer not null default -1, level text not null default '',
  golds text not null default '[]', question text not null default '',
  answer text not null default '',
  status text not null default 'unfinished', counts integer not null default 0, reward real,
  fault text not null default '', error text not null default '',
  turns integer not null default 0, tokens integer not null default 0,
  seconds real not null default 0, cost real, begun real not null default 0,
  file integer, start integer, length integer);
create index runs_part on runs(part, item, number);
create index runs_status on runs(status);
create index runs_level on runs(level);
create index runs_batch on runs(step, part, item, status, counts, reward);
create table lines(
  run integer, file integer, start integer, length integer,
  primary key(run, file, start)) without rowid;
create table tools(tool text, run integer, primary key(tool, run)) without rowid;
create table marks(
  run integer, scoring integer, value real, error text not null, answer text not null,
  primary key(run, scoring)) without rowid;
create table scorings(place integer primary key, number integer unique);
create table resources(
  digest text primary key, file integer, start integer, length integer) without rowid;
create table items(
  part text, item text, question text, golds text, level text,
  primary key(part, item)) without rowid;
"""
"""`part` is a batch of a training or the name of a benchmark, `item` a question in it, `number` the
run of its group or the trial; `file`, `start` and `length` of a run say where its finished state
stands; `counts` is 2 for an outcome, 1 for a run that the world failed, 0 for other attempts."""


class Index:
    """The index of a folder; one process writes it, any number of threads read."""

    def __init__(self, root: Path, path: Path) -> None:
        self.root, self.path = root, path
        self._lock = -1

    @classmethod
    def of(cls, root: Path, cache: Path | None = None) -> Index:
        """The index of the folder `root`, resolved, in the cache folder.

        Raises:
            SettingError: the cache folder cannot be written.
        """
        home = (cache or _cache()) / "viewer"
        name = hashlib.blake2b(os.fsencode(root), digest_size=12).hexdigest()
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            index = cls(root, home / f"{name}.sqlite")
            index.path.touch(mode=0o600)
            index._take()
            index._prepare()
        except OSError as error:
            raise _unusable(home, error.strerror or "") from error
        except sqlite3.Error as error:
            raise _unusable(home, str(error)) from error
        return index

    @property
    def mine(self) -> bool:
        """Whether this process is the one that writes; it may become so when another has ended."""
        if self._lock < 0:
            with suppress(OSError):
                self._take()
        return self._lock >= 0

    def close(self) -> None:
        """Let another process write it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take(self) -> None:
        handle = os.open(
            self.path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another viewer of the same folder brings it up to date
            os.close(handle)
        else:
            self._lock = handle

    def _prepare(self) -> None:
        if not self.mine:
            return
        try:
            with closing(self.writing()) as db:
                fits = db.execute("pragma user_version").fetchone()[0] == VERSION
        except sqlite3.DatabaseError:  # damaged, or none at all
            for end in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)
            self.path.touch(mode=0o600)
            fits = False
        if not fits:
            self.clear()

    def clear(self) -> None:
        """Begin anew; who reads meanwhile sees the old tables or the new ones."""
        with closing(self.writing()) as db:
            known = db.execute("select name from sqlite_master where type = 'table'").fetchall()
            drops = "".join(f"drop table {name};" for (name,) in known)
            db.executescript(f"begin; {drops} {TABLES} pragma user_version = {VERSION}; commit;")

    def writing(self) -> sqlite3.Connection:
        """A connection for the thread that brings the index up to date."""
        db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        db.execute("pragma journal_mode = wal")
        # A power cut may cost the index, which is then made anew; a kill does not.
        db.execute("pragma synchronous = off")
        return db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads one state of the index, whatever is written meanwhile."""
        with closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as db:
            db.execute("pragma query_only = on")
            db.row_factory = sqlite3.Row
            db.execute("begin")
            yield db


def _cache() -> Path:
    folder: Path | None = opened("tools.services.cache").default_folder()
    return folder or Path(tempfile.mkdtemp(prefix="agentflow-view-"))


def _unusable(home: Path, why: str) -> SettingError:
    return SettingError(
        f"the viewer's index in {home} cannot be written ({why}); name another cache folder by "
        "AGENTFLOW_CACHE"
    )

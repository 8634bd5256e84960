"""A record on disk: a folder of files, each written by one process.

    <record>/<process>.jsonl       events, a line each
    <record>/<digest>.tokenizer    what a planner counts its memory with, for a replay

A line is written by one system call to a file that no other process writes: from then on it
outlives a SIGKILL, and from the next `sync` on a power cut. A line that a kill or a full disk tore
fails its checksum and is passed over. A process that starts later reads what all before it wrote
and begins a file of its own, so nothing is ever appended to a torn line.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import refused
from agentflow_graph.record.events import FORMAT, Event, line_of, versions
from agentflow_graph.record.reading import RecordedRun, read
from agentflow_graph.record.run import RunRecord, Turnstile

MAX_OPEN = 4096
"""Unfinished runs whose answers a process holds; an older one is read from disk again."""


class RecordError(Exception):
    """The record cannot be written; what is in it is safe, and the work can be resumed.

    Not of the agent's tree: a module would make it a failure of a model and go on.
    """


class Record:
    """The runs in a folder: earlier ones can be looked up, new ones are added.

    Args:
        folder: made when the first event is written.
        shared: where attachments go that several records need; by default `folder`.
    """

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        self.folder, self._shared = folder, shared or folder
        self.fault = ""
        self._file = -1
        self._written = self._synced = 0
        self._syncing = asyncio.Lock()
        self._writing = Lock()
        self._using = Lock()  # while it is synced or closed; writers need not wait for a sync
        self._resources: set[str] = set()
        self._known: dict[str, RecordedRun] | None = None
        self._open: OrderedDict[str, RunRecord] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(f"the record {self.folder} belongs to one process; open it in the other")

    @property
    def known(self) -> dict[str, RecordedRun]:
        """The runs that were on disk when this was first asked for, by name."""
        if self._known is None:
            self._known = read(self.folder)
        return self._known

    def run(self, name: str, turnstile: Turnstile | None = None) -> RunRecord:
        """The run of that name, with the answers that were on disk when `known` was read.

        Args:
            name: of the run.
            turnstile: see `RunRecord`.
        """
        if name not in self._open:
            self._keep(RunRecord(name, self, self.known.get(name), turnstile))
        return self._open[name]

    def begin(self, name: str) -> RunRecord:
        """A run that is new for sure: nothing is looked up."""
        return self._keep(RunRecord(name, self))

    async def find(self, name: str) -> RunRecord:
        """The run of that name, also one that ended since `known` was read, or began elsewhere."""
        if name in self._open:
            return self._open[name]
        await self.flushed()
        if self._known is None or name not in self._known:
            self._known = await asyncio.to_thread(read, self.folder)
        return self.run(name)

    def _keep(self, run: RunRecord) -> RunRecord:
        if len(self._open) >= MAX_OPEN:
            self._open.popitem(last=False)
        self._open[run.name] = run
        return run

    def close_run(self, name: str) -> None:
        """Forget the answers of a run that has ended; a fork of it reads them from disk."""
        self._open.pop(name, None)
        (self._known or {}).pop(name, None)

    def forget(self) -> None:
        """Read the folder again when it is next wanted: another process has written meanwhile."""
        self._known = None
        self._open.clear()

    def describe(self, digest: str, resources: Mapping[str, Any], tokenizer: str) -> None:
        """Write what runs work with, once a process; `tokenizer` is the planner's, as JSON."""
        if digest in self._resources:
            return
        self._resources.add(digest)
        if tokenizer:
            self._attach(f"{resources['tokenizer']}.tokenizer", tokenizer.encode())
        self.write({"event": "resources", "digest": digest, **resources})

    def _attach(self, name: str, data: bytes) -> None:
        path = self._shared / name
        if not path.exists():
            partial = path.with_name(f".{uuid.uuid4().hex}")
            try:
                self._shared.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(data)
                partial.replace(path)
            except OSError as error:
                raise self._broken(error) from error

    def write(self, event: Event) -> None:
        """Add one event.

        Raises:
            RecordError: the disk does not take it, now or since an earlier event.
        """
        self.append(line_of(event))

    def append(self, lines: bytes) -> None:
        """Add lines that are encoded already; raises RecordError as `write` does."""
        with self._writing:
            if self.fault:
                raise RecordError(self.fault)
            if self._file < 0:
                self._begin_file()
            self._append(lines)

    async def flushed(self) -> None:
        """Returns once what was written can be read: at once, for it is written at once."""

    def _begin_file(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = self.folder / f"{uuid.uuid4().hex}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(name, flags, 0o600)
        except OSError as error:
            raise self._broken(error) from error
        opened = {"event": "opened", "format": FORMAT, "versions": versions(), "time": time.time()}
        self._append(line_of(opened))

    def _append(self, line: bytes) -> None:
        try:
            if (done := os.write(self._file, line)) < len(line):
                os.write(self._file, line[done:])  # says why the rest did not fit
        except OSError as error:
            raise self._broken(error) from error
        self._written += 1

    async def synced(self) -> None:
        """Returns once all that was written so far is on the disk; many waiters share a sync."""
        wanted = self._written
        async with self._syncing:
            if self._synced < wanted:
                reached = self._written
                await asyncio.to_thread(self.sync)
                self._synced = reached

    def sync(self) -> None:
        """Force what was written onto the disk."""
        with self._using:
            if self._file >= 0:
                try:
                    os.fsync(self._file)
                except OSError as error:
                    raise self._broken(error) from error

    def close(self) -> None:
        """Give the file back, with all that was written on the disk."""
        self.sync()
        with self._using, self._writing:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
        self._open.clear()

    def _broken(self, error: OSError) -> RecordError:
        """From now on nothing is written: the last line may be torn."""
        why, remedy = refused(self.folder, error, then=", then resume the run")
        self.fault = f"the record in {self.folder} cannot be written: {why}; {remedy}"
        return RecordError(self.fault)


def hold(lock: Path, taken: str, shared: bool = False, patience: float = 0.0) -> int:
    """Lock a file until this process ends or closes the descriptor that is returned.

    Args:
        lock: the file; made with its folder if need be.
        taken: what to say if another process has it.
        shared: whether others may hold it shared at the same time.
        patience: seconds to wait for it.

    Raises:
        SettingError: another process holds it, or it cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingError(f"{lock.parent} cannot be written: {error.strerror}") from error
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(held, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return held
        except OSError:
            if time.monotonic() >= until:
                os.close(held)
                raise SettingError(taken) from None
            time.sleep(0.1)

"""The journal of a run: what is finished is on the disk before anybody hears of it.

One JSON line an event, appended and fsynced; a line that a crash tore is cut off when the journal
is next opened. A file lock keeps two processes out of one run. inspect's own log is written after
it and can be made again from it: that log is flushed every few samples, too late for a promise.

    with Journal.opened(folder / "journal.jsonl") as journal:
        await journal.append({"event": "finished", ...})
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

from agentflow_graph.errors import SettingError
from benchmarks.errors import RunStopped


class Key(NamedTuple):
    """One trial of one item; `trial` counts from 1."""

    task: str
    item: str
    trial: int

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The trial that an event speaks of."""
        return cls(event["task"], event["item"], event["trial"])


class Journal:
    """An open journal. One thread appends, off the event loop; events that wait share an fsync."""

    def __init__(self, descriptor: int, end: int) -> None:
        self._descriptor, self._end = descriptor, end
        self._waiting: deque[tuple[bytes, Future[None]]] = deque()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    @classmethod
    def opened(cls, path: Path) -> Self:
        """Open for appending, made if need be; raises SettingError if another process has it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise SettingError(
                f"{path.parent} is in use by another process; wait for it or stop it"
            ) from None
        end = _whole(path)
        os.ftruncate(descriptor, end)
        return cls(descriptor, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()  # an append that was cancelled is still written
        os.close(self._descriptor)

    async def append(self, event: Mapping[str, Any]) -> None:
        """Write one event; raises RunStopped if the disk does not take it."""
        # Models write lone surrogates and huge numbers: json takes them, orjson does not.
        line = json.dumps(event, default=str).encode() + b"\n"
        written: Future[None] = Future()
        self._waiting.append((line, written))
        self._writer.submit(self._write_waiting)
        await asyncio.wrap_future(written)

    def _write_waiting(self) -> None:
        """In the writer's thread: all that has come by now; what comes later has its own call."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not taken:
            return
        failure: Exception | None = None
        try:
            self._write(b"".join(line for line, _ in taken))
        except Exception as error:  # whoever waits must hear of it, or waits for ever
            failure = error
        for _, written in taken:
            if not written.set_running_or_notify_cancel():
                continue
            written.set_exception(failure) if failure else written.set_result(None)

    def _write(self, lines: bytes) -> None:
        try:
            rest = memoryview(lines)
            while rest:
                at = self._end + len(lines) - len(rest)
                rest = rest[os.pwrite(self._descriptor, rest, at) :]
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, self._end)
            raise RunStopped(
                f"the journal cannot be written ({error.strerror}); finished items are safe, "
                "make room and resume"
            ) from error
        self._end += len(lines)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line, in order; also of a run that is going on.

    Raises:
        SettingError: a line before the last is no event, so something else wrote into the file.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield _event(line)
            except (ValueError, KeyError, TypeError) as error:
                raise SettingError(
                    f"{path}, line {number} is damaged ({error}); remove that line, and the "
                    "trial that it recorded is run again"
                ) from None


def _event(line: bytes) -> dict[str, Any]:
    """The event of a line; raises ValueError, KeyError or TypeError if it is none."""
    event: dict[str, Any] = json.loads(line)
    if event["event"] != "scoring":
        Key.of(event)
    return event


def _whole(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at:
            begin = max(0, at - 65536)
            file.seek(begin)
            if (newline := file.read(at - begin).rfind(b"\n")) >= 0:
                return begin + newline + 1
            at = begin
    return 0

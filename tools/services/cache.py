"""Answers that cost money, kept in a table: the same question at once, or soon, is asked once.

    cache = Cache(folder)
    found = await cache.once("tavily", {"query": query}, ask, ttl=86_400)

`ask` is a coroutine function that gives something JSON can hold. Callers of one event loop that
ask for the same thing at the same time share one call and its outcome, success or failure. Callers
in other loops, threads and processes wait for a lock of that key and then find the answer in the
table. Failures are never kept.

A key is the SHA-256 of provider and arguments, so the table shows neither; secrets belong in
neither. Files are readable by their owner alone. The lock saves calls, it guards nothing: a caller
that has waited `WAIT` seconds goes on without it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tools.outcomes.threads import in_thread

T = TypeVar("T")
_log = logging.getLogger(__name__)

WAIT = 60.0
STRIPES = 4096
"""Lock files at most; two keys that share one wait for each other."""
ROWS = 100_000
"""Answers kept at most; those that expire first go first."""

_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, expires REAL)"


@dataclass
class _Flight:
    """A call under way and how many wait for it."""

    task: asyncio.Task[Any]
    waiting: int = 0


_flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Path, str], _Flight]]
_flights = WeakKeyDictionary()


def default_folder() -> Path | None:
    """Where caches live: AGENTFLOW_CACHE, or the user's cache folder; None if it says "off"."""
    named = os.environ.get("AGENTFLOW_CACHE")
    if named == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "agentflow-graph"


def key_of(provider: str, arguments: Mapping[str, Any]) -> str:
    """The key of a call; the order of the arguments does not matter."""
    said = json.dumps([provider, dict(arguments)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """A table in `folder`, and its locks; with `folder=None` only callers are joined."""

    def __init__(self, folder: Path | None) -> None:
        """Nothing is created yet."""
        self.folder = folder

    async def once(
        self,
        provider: str,
        arguments: Mapping[str, Any],
        ask: Callable[[], Awaitable[Any]],
        *,
        ttl: float,
    ) -> Any:
        """The answer kept for at most `ttl` seconds, or a new one from `ask`.

        What `ask` raises goes to everybody who waits. If all who wait are cancelled, so is `ask`.
        """
        key = key_of(provider, arguments)
        flights = _flights.setdefault(asyncio.get_running_loop(), {})
        name = (self.folder or Path(), key)
        flight = flights.get(name)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(self._filled(key, ask, ttl)))
            flights[name] = flight
        try:
            return await _joined(flight)
        finally:
            # A caller that comes after the end, or after a cancelling, asks again.
            if flights.get(name) is flight and (flight.task.done() or not flight.waiting):
                del flights[name]

    async def _filled(self, key: str, ask: Callable[[], Awaitable[Any]], ttl: float) -> Any:
        if self.folder is None:
            return await ask()
        file = self.folder / "answers.db"
        if (found := await _tried(_get, file, key)) is not None:
            return json.loads(found)
        async with file_lock(self.folder / "locks", key):
            if (found := await _tried(_get, file, key)) is not None:
                return json.loads(found)
            answer = await ask()
            await _tried(_put, file, key, json.dumps(answer), time.time() + ttl)
        return answer


async def _joined(flight: _Flight) -> Any:
    flight.waiting += 1
    try:
        return await asyncio.shield(flight.task)
    except asyncio.CancelledError:
        if flight.waiting == 1:
            flight.task.cancel()
        raise
    finally:
        flight.waiting -= 1


@asynccontextmanager
async def file_lock(folder: Path, key: str) -> AsyncIterator[None]:
    """Hold the lock of `key` (64 hex digits) among all processes that use `folder`.

    It is freed when the process dies. After `WAIT` seconds the caller goes on without it.
    """
    handle = await _tried(_lock_file, folder, f"{int(key, 16) % STRIPES:04d}")
    if handle is None:
        yield
        return
    try:
        await _locked(handle)
        yield
    finally:
        os.close(handle)


async def _locked(handle: int) -> None:
    # Tried again and again rather than waited for in a thread: the holder may need the last one.
    deadline, pause = time.monotonic() + WAIT, 0.002
    while time.monotonic() < deadline:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)
    return None


async def _tried(work: Callable[..., T], *arguments: Any) -> T | None:
    # A full disk or a broken table must not cost an answer that has been paid for.
    try:
        return await in_thread(work, *arguments)
    except (OSError, sqlite3.Error, ValueError) as fault:
        _log.warning("the cache is of no use now: %s: %s", type(fault).__name__, fault)
        return None


def _lock_file(folder: Path, name: str) -> int:
    make_private(folder)
    return os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)


def make_private(folder: Path, *files: str) -> None:
    """Make `folder` and empty `files` in it, for their owner's eyes only."""
    # `mkdir(parents=True)` leaves what it makes on the way open to others.
    for part in reversed([folder, *folder.parents]):
        part.mkdir(mode=0o700, exist_ok=True)
    for name in files:
        os.close(os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600))


def _open(file: Path) -> sqlite3.Connection:
    make_private(file.parent, file.name)
    connection = sqlite3.connect(file, timeout=10.0, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(_TABLE)
    connection.execute("CREATE INDEX IF NOT EXISTS by_expiry ON answers (expires)")
    return connection


def _get(file: Path, key: str) -> str | None:
    if not file.exists():
        return None
    with closing(_open(file)) as connection:
        row = connection.execute(
            "SELECT value FROM answers WHERE key = ? AND expires > ?", (key, time.time())
        ).fetchone()
    return None if row is None else str(row[0])


def _put(file: Path, key: str, value: str, expires: float) -> None:
    with closing(_open(file)) as connection:
        connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, value, expires))
        connection.execute("DELETE FROM answers WHERE expires < ?", (time.time(),))
        connection.execute(
            "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY expires DESC"
            f" LIMIT -1 OFFSET {ROWS})"
        )

"""Reading what strangers wrote, in a process that can be given up.

    text = await apart(strip_markup, html, seconds=10)

A page of 5 MB can keep a parser busy for hours, take all memory, or hold Python's lock so that no
other task of this process gets on. So it is parsed in a worker. Its own alarm ends it after
`seconds` of a processor, or `PATIENCE` times as many by the clock, even inside C code. It has
`MEMORY`, no core file and no key: of the environment it has what programs need to start. Workers
start when first needed, wait for the next page, and leave with this process, however it ends.

The function is one of a module's top level; it takes what pickle can carry and returns what JSON
can hold, for what a worker says after reading a hostile page is itself only data. Unlike
`multiprocessing`, nothing here imports the caller's program again.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

COUNT = 2
"""Workers of a process."""
PATIENCE = 4
"""Wall time of a job by its processor time: a busy machine takes longer for an honest page."""
STARTING = 60.0
"""Seconds a new worker may take: imports from a cold disk on a busy machine."""
MEMORY = 2 * 2**30
"""Bytes of address space of a worker."""
GROWN = 400 * 2**20
"""Bytes in use before a job that make it a worker's last."""
LONGEST = 64_000_000
"""Bytes of a worker's answer."""

_ROOT = str(Path(__file__).parents[__name__.count(".")])
_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import serve; serve()"


class Lost(Exception):
    """The function gave nothing; the text says why."""


class _Left(Lost):
    """The worker had ended before it took the job, which another one may do."""


async def apart(
    function: Callable[..., T],
    *arguments: Any,
    seconds: float,
    prepare: Callable[[], object] = dict,
) -> T:
    """What `function` returns for `arguments`, from a worker.

    `prepare` is called first and is not timed: it imports what the function needs.

    Raises:
        Lost: it took more than `seconds` of a processor, wanted too much memory, or raised.
    """
    job = partial(_in_turn, (prepare, function, arguments, seconds), seconds)
    return await asyncio.get_running_loop().run_in_executor(_threads(), job)


_pools: dict[int, ThreadPoolExecutor] = {}
_own = threading.local()
_workers: set[_Worker] = set()


def _threads() -> ThreadPoolExecutor:
    # By process: a fork has neither the threads nor a right to the workers of its parent.
    if os.getpid() not in _pools:
        _pools.clear()
        _pools[os.getpid()] = ThreadPoolExecutor(COUNT, "agentflow-apart")
    return _pools[os.getpid()]


def _in_turn(job: tuple[Any, ...], seconds: float, again: bool = True) -> Any:
    """One job in the worker of this thread; a worker that has left meanwhile is replaced."""
    worker: _Worker | None = getattr(_own, "worker", None)
    if worker is None or not worker.alive():
        worker = _own.worker = _Worker()
    try:
        answer = worker.answer(pickle.dumps(job), seconds)
    except _Left:
        # A process that was killed counts as alive until the kernel has taken it apart.
        worker.end()
        if not again:
            raise
        return _in_turn(job, seconds, again=False)
    except BaseException:
        worker.end()
        raise
    if answer.get("grown"):
        worker.end()
    if "result" in answer:
        return answer["result"]
    raise Lost(str(answer.get("raised", "it gave no answer"))[:200])


class _Worker:
    """One process and the line to it; it is ready when the constructor returns."""

    def __init__(self) -> None:
        self._line, theirs = multiprocessing.Pipe()
        paths = [_ROOT, *(path for path in sys.path if path and path != _ROOT)]
        start = _START.format(__name__)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", start, json.dumps(paths), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        theirs.close()
        self.parent = os.getpid()
        _workers.add(self)
        try:
            self._heard(STARTING)
        except Lost as fault:
            self.end()
            text = "the process that reads pages did not start; its words are on standard error"
            raise RuntimeError(text) from fault

    def alive(self) -> bool:
        return self._process.poll() is None

    def answer(self, job: bytes, seconds: float) -> dict[str, Any]:
        with suppress(OSError):  # the next line says why it is gone
            self._line.send_bytes(job)
        try:
            self._heard(STARTING)
        except Lost as fault:
            raise _Left(str(fault)) from fault
        # The worker's own alarm comes first; this is for one that no longer obeys.
        found = json.loads(self._heard(STARTING + PATIENCE * seconds))
        return found if isinstance(found, dict) else {}

    def end(self) -> None:
        """Without waiting for what it does: it may hang in C code."""
        self._process.kill()
        self._process.wait()
        self._line.close()
        _workers.discard(self)

    def _heard(self, seconds: float) -> bytes:
        try:
            if self._line.poll(seconds):
                return self._line.recv_bytes(LONGEST)
        except (EOFError, OSError) as fault:
            code = self._process.wait()
            late = code in (-signal.SIGALRM, -signal.SIGPROF)
            raise Lost("it takes too long" if late else f"its reader ended ({code})") from fault
        raise Lost("it takes too long")


@atexit.register
def _end_all() -> None:
    for worker in tuple(_workers):
        if worker.parent == os.getpid():
            worker.end()


def serve() -> None:
    """A worker's life: jobs, one after the other, until the other side is gone."""
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for alarm in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(alarm, signal.SIG_DFL)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    with Connection(int(sys.argv[2])) as line, suppress(EOFError, OSError):
        line.send_bytes(b"ready")
        while True:
            job = line.recv_bytes()
            line.send_bytes(b"taken")
            prepare, function, arguments, seconds = pickle.loads(job)
            prepare()
            _time(seconds)
            answer = _tried(function, arguments)
            _time(0)
            line.send_bytes(answer)


def _time(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _tried(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    answer = {"grown": _in_use() > GROWN}
    try:
        return json.dumps(answer | {"result": function(*arguments)}).encode()
    except Exception as fault:
        raised = f"{type(fault).__name__}: {fault}"[:200]
        return json.dumps(answer | {"raised": raised}).encode()


def _in_use() -> int:
    """Bytes of this process in memory; its peak would be that of the parent it was forked from."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()

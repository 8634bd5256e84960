"""Processes that can be given up: each job has a time limit, and a hung or dead worker is replaced.

    workers = Workers(count=2, seconds=10, prepare=load)
    workers.run(check, "9^9^9")     # raises Lost if the worker died or hung

Every worker is a spawned process of its own, so that one that is killed takes no other's job with
it. They start when first needed and leave with this process, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import LifoQueue
from typing import TypeVar

T = TypeVar("T")

STARTING = 120.0
"""Seconds a new worker may take: imports from a cold disk on a busy machine."""
MEMORY = 4 * 2**30
"""Bytes of address space a worker may have; 9^9^9^9 would take the machine's."""


class Lost(Exception):
    """The job has no result: its worker hung, or two in a row died of it."""


class Workers:
    """`count` processes for any number of threads; a thread that finds none free waits for one.

    Args:
        count: processes at most; they start one by one as they are needed.
        seconds: time limit of a job, without waiting and without starting its worker.
        prepare: called once in each new process.
    """

    def __init__(self, count: int, seconds: float, prepare: Callable[[], object]) -> None:
        self.seconds = seconds
        self._prepare = prepare
        # Last in, first out: a lone caller warms one worker, not all of them.
        self._free: LifoQueue[_Worker | None] = LifoQueue()
        for _ in range(count):
            self._free.put(None)

    def run(self, job: Callable[..., T], *args: object) -> T:
        """The job's result; what the job raises is raised here, and costs its worker.

        Raises:
            Lost: there is no result.
            RuntimeError: a worker cannot even start, which is no fault of the job.
        """
        try:
            return self._once(job, *args)
        except BrokenProcessPool:
            # Perhaps killed from outside, for its memory. A job that kills will kill again.
            try:
                return self._once(job, *args)
            except BrokenProcessPool as error:
                raise Lost("two workers died of this job") from error

    def _once(self, job: Callable[..., T], *args: object) -> T:
        worker = self._free.get()
        try:
            worker = worker or _Worker(self._prepare)
            return worker.run(job, self.seconds, *args)
        except BaseException:
            if worker is not None:
                worker.kill()
                worker = None
            raise
        finally:
            self._free.put(worker)


class _Worker:
    """One process; ready when the constructor returns."""

    def __init__(self, prepare: Callable[[], object]) -> None:
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _settle, (prepare,)
        )
        self._pid = 0
        try:
            self._pid = self._pool.submit(os.getpid).result(STARTING)
        except (BrokenProcessPool, TimeoutError) as error:
            self.kill()
            raise RuntimeError(
                f"a worker process did not start ({error!r}); its own message is on standard "
                'error. A script needs `if __name__ == "__main__":`'
            ) from error

    def run(self, job: Callable[..., T], seconds: float, *args: object) -> T:
        future = self._pool.submit(job, *args)
        try:
            return future.result(seconds)
        except TimeoutError as error:
            raise Lost(f"no result within {seconds:g} s") from error

    def kill(self) -> None:
        """Without waiting: a process that hangs in C code is gone as soon as the kernel wills."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._pool.shutdown(wait=False, cancel_futures=True)


def _settle(prepare: Callable[[], object]) -> None:
    """In the new process."""
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    prepare()


def _leave_with_parent() -> None:
    """A parent that was killed tells nobody, and the pool's pipes stay open in the worker."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)

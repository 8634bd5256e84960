"""Work that may block, in threads of its own: what never returns costs nobody else anything.

    text = await in_thread(path.read_text)                    # off the event loop
    calls = Threads("tool", at_once=32, most_lost=16)
    result = await calls.run(tool.name, partial(tool.invoke, request))
    weights = Kept(8).get(folder, lambda: load(folder))       # made once, by the first who asks

asyncio's own threads are a handful, shared with everything else of a program, name look-ups among
them: some calls that hang stop all of it, and the program waits for them at its end. Threads here
are daemons: they end with the program.
"""

from __future__ import annotations

from asyncio import CancelledError, wrap_future
from collections import Counter, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from tools.outcomes.outside import ShownError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class TooManyLost(ShownError):
    """Work is refused, for so much of its kind was given up and still runs."""


class _Job:
    """One piece of work; `lost` once its caller gave it up while it ran."""

    def __init__(self, key: Hashable, work: Callable[[], Any]) -> None:
        self.key, self.future = key, Future[Any]()
        self._work, self._context = work, copy_context()
        self.begun = self.ended = self.lost = False

    def fill(self) -> None:
        try:
            self.future.set_result(self._context.run(self._work))
        except StopIteration as fault:  # which no future of asyncio takes
            self.future.set_exception(RuntimeError(f"StopIteration: {fault}"))
        except BaseException as fault:
            self.future.set_exception(fault)


class Threads:
    """A daemon thread for each piece of work, `at_once` at most; more of it waits in line.

    What a caller gave up cannot be stopped. It no longer takes a place, and is counted: of one
    `key`, `most_lost` may be under way, and then the next is refused.
    """

    def __init__(self, name: str, at_once: int, most_lost: int) -> None:
        """`name`: of the threads, as a debugger shows them."""
        self._name, self._at_once, self._most_lost = name, at_once, most_lost
        self._lock, self._working = Lock(), 0
        self._waiting: deque[_Job] = deque()
        self._lost: Counter[Hashable] = Counter()

    async def run(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives; it has this task's context variables.

        Raises:
            TooManyLost: it was not begun.
        """
        job = _Job(key, work)
        with self._lock:
            if self._lost[key] >= self._most_lost:
                raise TooManyLost(
                    f"not begun: {self._lost[key]} calls before it were given up and still run; "
                    "mend what hangs, and start this program again"
                )
            self._waiting.append(job)
        self._begin_some()
        try:
            found: T = await wrap_future(job.future)
            return found
        except CancelledError:
            self._give_up(job)
            raise

    def _begin_some(self) -> None:
        with self._lock:
            while self._waiting and self._working < self._at_once:
                job = self._waiting.popleft()
                if job.future.set_running_or_notify_cancel():
                    job.begun, self._working = True, self._working + 1
                    Thread(target=self._done, args=(job,), name=self._name, daemon=True).start()

    def _done(self, job: _Job) -> None:
        job.fill()
        with self._lock:
            job.ended = True
            if job.lost:
                self._lost -= Counter([job.key])
            else:
                self._working -= 1
        self._begin_some()

    def _give_up(self, job: _Job) -> None:
        with self._lock:
            if not job.begun or job.ended:
                return  # one that still waits was cancelled, and is passed over
            job.lost, self._working = True, self._working - 1
            self._lost[job.key] += 1
        self._begin_some()


_SHARED = Threads("agentflow", at_once=64, most_lost=64)


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """What `work` gives, off the event loop and off asyncio's own threads."""
    return await _SHARED.run(work, partial(work, *arguments))


class Kept(Generic[K, T]):
    """What is dear to make, by what it is made of; each is made once, by the first who asks.

    Who asks for the same meanwhile waits for it, who asks for anything else waits for nobody.
    A failure is told to all who wait for it, and not kept.
    """

    def __init__(self, most: int) -> None:
        """`most` are kept: the oldest goes first."""
        self._most, self._lock = most, Lock()
        self._made: dict[K, Future[T]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def known(self, key: K) -> T | None:
        """What is kept for `key`; None if nothing is, or not yet."""
        future = self._made.get(key)
        return future.result() if future and future.done() and not future.exception() else None

    def get(self, key: K, make: Callable[[], T]) -> T:
        """What is kept for `key`, or what `make` gives in this thread."""
        future, is_new = self._place(key)
        if is_new:
            self._fill(key, future, make)
        return future.result()

    def begin(self, key: K, make: Callable[[], T]) -> Future[T]:
        """The same, made in a thread of its own: it goes on if nobody waits any longer."""
        future, is_new = self._place(key)
        if is_new:
            fill = partial(copy_context().run, self._fill, key, future, make)
            Thread(target=fill, name="agentflow-make", daemon=True).start()
        return future

    def forget(self, key: K) -> None:
        """The next who asks makes it anew."""
        with self._lock:
            self._made.pop(key, None)

    def _place(self, key: K) -> tuple[Future[T], bool]:
        with self._lock:
            if key in self._made:
                return self._made[key], False
            while len(self._made) >= self._most:
                del self._made[next(iter(self._made))]
            future = self._made[key] = Future()
            # From now on, nobody who stops waiting can cancel it for the others.
            future.set_running_or_notify_cancel()
            return future, True

    def _fill(self, key: K, future: Future[T], make: Callable[[], T]) -> None:
        try:
            future.set_result(make())
        except BaseException as fault:
            with self._lock:
                if self._made.get(key) is future:
                    del self._made[key]
            future.set_exception(fault)

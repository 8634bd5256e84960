"""Things that belong to one event loop, such as open connections.

    held = PerLoop(httpx.AsyncClient, httpx.AsyncClient.aclose)
    client = await held.get()           # this loop's own

A connection that is used from another loop than the one it was opened in fails, or hangs. Programs
have several loops: one `asyncio.run` after the other, a thread each, the loops of a server.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from agentflow_graph.errors.threads import in_thread

T = TypeVar("T")

LOOPBACK: dict[str, None] = {f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")}
"""`mounts` of an HTTP client that goes to this machine directly, whatever HTTP_PROXY says."""


class PerLoop(Generic[T]):
    """One `T` for each event loop that asks, closed when the loop ends."""

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make, self._close = make, close
        self._held: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None]]] = {}
        self._lock = Lock()

    async def get(self) -> T:
        """The running loop's own."""
        loop = asyncio.get_running_loop()
        if loop in self._held:
            return self._held[loop][0]
        # A client reads certificates when it is made: not on the event loop.
        made = await in_thread(self._make)
        with self._lock:  # other threads have other loops
            for ended in [one for one in self._held if one.is_closed()]:
                del self._held[ended]
            if loop in self._held:  # another task of this loop was faster
                return self._held[loop][0]
            self._held[loop] = made, (keeper := self._kept(made))
        await anext(keeper)
        return made

    async def _kept(self, made: T) -> AsyncGenerator[None]:
        # A loop closes its generators when it ends, as `asyncio.run` does; nothing else is told.
        try:
            yield
        finally:
            await self._close(made)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, all on one loop: connections of model clients belong to a loop.

    Called on that loop itself, by a tool of a run that was begun here, it takes another: the loop
    cannot wait for its own work.
    """
    loop = _loop()
    if _running_loop() is loop:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(copy_context().run, asyncio.run, work).result()
    return asyncio.run_coroutine_threadsafe(work, loop).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="agentflow", daemon=True).start()
    return loop

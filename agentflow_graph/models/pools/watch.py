"""Looks after the servers of a pool: are those set aside back, and is a silent one still there?"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache
from typing import Any, TypeVar

from agentflow_graph.errors import ModelError
from agentflow_graph.errors.threads import in_thread
from agentflow_graph.models.clients.served import models_at
from agentflow_graph.models.pools.pool import Pool

T = TypeVar("T")
SILENT = 10.0
"""Seconds in which a server answers none of the calls that wait before it is looked at."""
PATIENCE = 5.0
"""Seconds in which a server that is there says so."""
Look = Callable[[str], Awaitable[bool]]
"""Whether the server of that name is there."""


class Silent(ModelError):
    """A server took a call, and now nobody is there."""


async def is_there(base: str) -> bool:
    """Whether the server at an address without /v1 says which models it has."""
    return not isinstance(await in_thread(models_at, base, PATIENCE), str)


class Watch:
    """Looks at servers when it is time to; see `Pool.to_look_at`."""

    def __init__(self, pool: Pool, look: Look = is_there) -> None:
        self.pool, self._look = pool, look
        self._looks: set[asyncio.Task[None]] = set()

    async def ask(
        self, work: Callable[[int], Coroutine[Any, Any, T]], is_away: Callable[[Exception], bool]
    ) -> T:
        """What `work` gives at the server that it is handed the number of; see `Pool.attempts`."""
        self.look_around()
        for attempt in self.pool.attempts(is_away):
            with attempt as number:
                return await self._answer(number, work(number))
        raise AssertionError("the last attempt returns or raises")

    def look_around(self) -> None:
        """Begin to look at those whose time it is; no call waits for it."""
        for number in self.pool.to_look_at(SILENT):
            task = asyncio.create_task(self._look_at(number))
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    def look_around_blocking(self) -> None:
        """The same at once, for callers without an event loop."""
        for number in self.pool.to_look_at(SILENT):
            there = not isinstance(models_at(self.pool.names[number], PATIENCE), str)
            self.pool.looked(number, there)

    async def _look_at(self, number: int) -> None:
        there: bool | None = None
        try:
            there = await self._look(self.pool.names[number])
        finally:
            self.pool.looked(number, there)

    async def _answer(self, number: int, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, which waits for server `number`.

        Raises:
            Silent: the server has frozen; the work is cancelled.
        """
        was_silent = self.pool.silent(number)  # then there is no other to ask
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=SILENT))[0]:
                self.look_around()
                if self.pool.silent(number) and not was_silent:
                    raise Silent(f"{self.pool.names[number]} took a call and went silent")
        except BaseException:
            task.cancel()
            await asyncio.wait({task})
            raise
        return task.result()


@lru_cache(maxsize=64)
def watch_over(addresses: tuple[str, ...]) -> Watch:
    """One for all models at these addresses: what one of them finds out is known to the others."""
    return Watch(Pool(addresses))

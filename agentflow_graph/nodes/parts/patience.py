"""Waiting for what strangers wrote, and for no longer than that: it may ignore being cancelled.

message = await within(seconds, model.ainvoke(messages))
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LEAVING = 0.5
"""Seconds that work has to clean up once it was cancelled; then it is left to itself."""
_left: set["asyncio.Task[Any]"] = set()


class Late(Exception):
    """Work had no result in its time."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives in `seconds`; it is cancelled with whoever waits for it.

    Raises:
        Late: it gives nothing in that time.
        RuntimeError: it cancelled itself.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _ended(task)
        raise
    if not task.done():
        await _ended(task)
        raise Late(f"no result within {seconds:.3g} s")
    if task.cancelled():
        raise RuntimeError("it cancelled itself")
    return task.result()


async def _ended(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    # Only a weak reference is kept by the loop, and a fault that nobody asks for would be logged.
    _left.add(task)
    task.add_done_callback(_forget)
    await asyncio.wait({task}, timeout=LEAVING)


def _forget(task: "asyncio.Task[Any]") -> None:
    _left.discard(task)
    if not task.cancelled():
        task.exception()


class Same:
    """An object as a key: the very same one. It lives as long as it is counted."""

    def __init__(self, one: object) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.one is other.one

    def __hash__(self) -> int:
        return id(self.one)

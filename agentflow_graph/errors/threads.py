"""The door to threads of our own, for work that may block: see `tools/outcomes/threads.py`.

It is opened when first needed, so what it gives is asked for by a call: `_CALLS().run(...)`.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from agentflow_graph.errors.outside import opened

if TYPE_CHECKING:
    from tools.outcomes.threads import Kept, Threads

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """What `work` gives, off the event loop and off asyncio's own threads."""
    found: T = await opened("tools.outcomes.threads").in_thread(work, *arguments)
    return found


def threads(name: str, at_once: int, most_lost: int) -> "Callable[[], Threads]":
    """Threads of one kind of work."""
    return _later(lambda: opened("tools.outcomes.threads").Threads(name, at_once, most_lost))


def kept(most: int) -> "Callable[[], Kept[Hashable, Any]]":
    """What is dear to make, each made once."""
    return _later(lambda: opened("tools.outcomes.threads").Kept(most))


def too_many_lost() -> type[Exception]:
    """What is raised for work that was not begun."""
    refused: type[Exception] = opened("tools.outcomes.threads").TooManyLost
    return refused


def _later(make: Callable[[], Any]) -> Callable[[], Any]:
    made: list[Any] = []
    lock = Lock()

    def get() -> Any:
        with lock:
            if not made:
                made.append(make())
        return made[0]

    return get

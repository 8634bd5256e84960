"""The door to threads of our own, for work that may block: see `tools/outcomes/threads.py`."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from agentflow_graph.errors.outside import opened

if TYPE_CHECKING:
    from tools.outcomes.threads import Kept, Threads

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """What `work` gives, off the event loop and off asyncio's own threads."""
    found: T = await opened("threads").in_thread(work, *arguments)
    return found


def threads(name: str, at_once: int, most_lost: int) -> "Threads":
    """Threads of one kind of work."""
    made: Threads = opened("threads").Threads(name, at_once, most_lost)
    return made


def kept(most: int) -> "Kept[Hashable, Any]":
    """What is dear to make, each made once."""
    made: Kept[Hashable, Any] = opened("threads").Kept(most)
    return made


def too_many_lost() -> type[Exception]:
    """What is raised for work that was not begun."""
    refused: type[Exception] = opened("threads").TooManyLost
    return refused

"""What a search gives back, and what a search backend is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tools.outcomes.outside import ShownError


@dataclass(frozen=True)
class Passage:
    """One article, or a part of it; `url` is empty where there is none."""

    title: str
    text: str
    url: str = ""
    fails: int = 0
    """Searches that find it first and fail, before one of that run does not; for trials."""


class Backend(Protocol):
    """Anything that finds passages for words."""

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """At most `top_k` passages, the best first; none if nothing matches.

        Raises:
            BackendError: the backend cannot search; the message says what to do.
            RemoteFault: its service gave no answer.
        """
        ...


@runtime_checkable
class CheckedBackend(Backend, Protocol):
    """A backend that knows, without asking anybody, whether its settings can work."""

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing is known."""
        ...


class BackendError(ShownError):
    """A backend cannot search now; the message names the cause and the remedy."""

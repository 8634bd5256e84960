"""What an engine knows of its weights: their version, and whether they may be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ray

CALLS = 10_000
"""Calls that an engine holds at once: those that wait at a shut gate must leave room for the one
that opens it, and Ray's default is 1,000."""
KEPT = "vLLM keeps cached prefixes of former weights though no request is under way: resume the run"


class WeightVersion:
    """Which weights an engine serves, also while they change and after Ray restarted it.

    New weights wait for the requests that are under way, and later requests wait for them: so each
    reply is of one version, and no cached prefix outlives the weights that it was computed with.

    Ray gives a dead engine a new process under the same handle and sends unanswered calls again.
    That process has the weights of the run's beginning: it answers nothing until the policy's
    weights are loaded.
    """

    def start(self) -> None:
        """Call this when the engine serves."""
        self.version = 0
        self._loaded, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._under_way = 0
        self._shut = False
        self._bare = _restarted()
        if not self._bare:
            self._loaded.set()

    @asynccontextmanager
    async def request(self) -> AsyncIterator[int]:
        """Around a request; yields the version of the weights that answer it."""
        while not self._loaded.is_set():
            await self._loaded.wait()
        self._under_way += 1
        self._idle.clear()
        try:
            yield self.version
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    @asynccontextmanager
    async def new_weights(self, version: int) -> AsyncIterator[None]:
        """Around the loading of `version`, which begins when no request is under way."""
        await self.shut_gate()
        yield
        self.weights_loaded(version)

    async def shut_gate(self) -> None:
        """Weights change from now on, until `weights_loaded`.

        Returns when no request is under way and no prefix of the former weights is cached. Whoever
        changes weights may call it again and again.
        """
        self._loaded.clear()
        await self._idle.wait()
        if not self._shut:
            await self.drop_prefixes()
            self._shut = True

    async def drop_prefixes(self) -> None:
        """Forget every cached prefix; called when no request is under way."""

    def weights_loaded(self, version: int) -> None:
        """Call this when the policy's weights of `version` are in place."""
        self.version, self._bare, self._shut = version, False, False
        self._loaded.set()

    async def lost_weights(self) -> None:
        """Returns when this engine waits for weights; never, where it was not restarted."""
        if not self._bare:
            await asyncio.Event().wait()


def _restarted() -> bool:
    """Whether this process is Ray's second for its actor; asking outside Ray would start Ray."""
    if not ray.is_initialized():
        return False
    context = ray.get_runtime_context()
    return context.get_actor_id() is not None and context.was_current_actor_reconstructed

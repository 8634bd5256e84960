"""The third policy client: the rollout engines, all calls of one question at one of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ray

from agentflow_graph.errors import ModelError
from agentflow_graph.models.policy import Completion, Sampling, room_for_reply
from agentflow_graph.models.pools.pool import Pool


class EnginePolicy:
    """A policy client; calls about one question go to one of `engines`, as `Pool` says.

    A call that is given up is cancelled in its engine, so that nobody samples what nobody reads.

    Args:
        engines: their actors.
        window: tokens of prompt and reply together, at most.
        eos_id: ends a reply.
        seed_of: the seed of the call that is made now; 0 for none.
    """

    def __init__(
        self, engines: Sequence[Any], window: int, eos_id: int, seed_of: Callable[[], int] = int
    ) -> None:
        self._engines, self._window = engines, window
        self._pool = Pool([f"engine {number}" for number in range(len(engines))])
        self._eos, self._seed_of = eos_id, seed_of

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        remedy = "raise rollout.window, or lower agent.memory_tokens"
        room = min(sampling.max_tokens, room_for_reply(prompt_ids, self._window, remedy))
        sampling = replace(sampling, max_tokens=room, seed=self._seed_of() or sampling.seed)
        for number in self._pool.to_look_at(math.inf):
            self._pool.looked(number, there=True)  # Ray starts them again: the next call will tell
        try:
            for attempt in self._pool.attempts(_is_away):
                with attempt as number:
                    return await self._asked(self._engines[number], prompt_ids, sampling)
        except ray.exceptions.RayError as error:
            raise ModelError(f"a rollout engine failed: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    async def _asked(self, engine: Any, prompt_ids: list[int], sampling: Sampling) -> Completion:
        reply = engine.generate_ids.remote(prompt_ids, sampling, self._eos)
        try:
            done: Completion = await reply
        except asyncio.CancelledError:
            if isinstance(reply, ray.ObjectRef):  # Ray goes on with what nobody waits for
                ray.cancel(reply)
            raise
        return done


def _is_away(error: Exception) -> bool:
    return isinstance(error, ray.exceptions.RayError)

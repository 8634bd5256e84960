"""The third policy client: the rollout engines, in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ray

from agentflow_graph.errors import ModelError
from agentflow_graph.models.policy import Completion, Sampling, room_for_reply


class EnginePolicy:
    """A policy client; each call goes to the next of `engines`.

    Args:
        engines: their actors.
        window: tokens of prompt and reply together, at most.
        eos_id: ends a reply.
        seed_of: the seed of the call that is made now; 0 for none.
    """

    def __init__(
        self, engines: Sequence[Any], window: int, eos_id: int, seed_of: Callable[[], int] = int
    ) -> None:
        self._engines, self._window = itertools.cycle(engines), window
        self._eos, self._seed_of = eos_id, seed_of

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        remedy = "raise rollout.window, or lower agent.memory_tokens"
        room = min(sampling.max_tokens, room_for_reply(prompt_ids, self._window, remedy))
        sampling = replace(sampling, max_tokens=room, seed=self._seed_of() or sampling.seed)
        engine = next(self._engines)
        try:
            done: Completion = await engine.generate_ids.remote(prompt_ids, sampling, self._eos)
        except ray.exceptions.RayError as error:
            raise ModelError(f"a rollout engine failed: {error}") from error
        return done

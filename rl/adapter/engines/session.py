"""One planner in a rollout engine of its own, for sampling outside training.

    with session(Path("runs/warmstart"), window=512) as policy:
        await policy.generate(prompt_ids, Sampling(0.7, 32))

On CPU only: on GPUs, serve the planner with `rl.serve` and run the benchmarks on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray

from agentflow_graph.errors import ModelError
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling, room_for_reply
from rl.adapter.engines.cpu_engines import create_cpu_engines
from rl.adapter.stack.cluster import start_ray
from rl.settings.config import Engine


class SessionPolicy:
    """A policy client that keeps no record; what a session samples can be sampled again."""

    def __init__(self, engine: Any, window: int, eos_id: int) -> None:
        self._engine = engine
        self._window = window
        self._eos = eos_id

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        remedy = "raise rollout.window, or lower agent.memory_tokens"
        room = room_for_reply(prompt_ids, self._window, remedy)
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, room))
        try:
            done: Completion = await self._engine.generate_ids.remote(
                prompt_ids, sampling, self._eos
            )
        except ray.exceptions.RayError as error:
            raise ModelError(f"the engine failed: {error}") from error
        return done


@contextmanager
def session(planner: Path, window: int, seed: int = 0) -> Iterator[SessionPolicy]:
    """Start Ray and one CPU engine on `planner`; both end with the block.

    Args:
        planner: a Hugging Face folder.
        window: tokens of prompt and reply together, at most.
        seed: of the engine's sampling.
    """
    start_ray(on_cpu=True)
    try:
        engine = create_cpu_engines(Engine().model_dump(), str(planner), seed, window)[0]
        ray.get(engine.ready.remote())
        yield SessionPolicy(engine, window, PolicyTokenizer.load(planner).eos_id)
    finally:
        ray.shutdown()

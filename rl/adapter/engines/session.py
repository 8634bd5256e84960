"""One planner in a rollout engine of its own, for sampling outside training.

    with session(Path("runs/warmstart"), window=512) as policy:
        await policy.generate(prompt_ids, Sampling(0.7, 32))

On CPU only: on GPUs, serve the planner with `rl.serve` and run the benchmarks on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from agentflow_graph.models.policy import PolicyTokenizer
from rl.adapter.engines.cpu_engines import create_cpu_engines
from rl.adapter.engines.policy import EnginePolicy
from rl.adapter.stack.cluster import start_ray
from rl.settings.config import Engine


@contextmanager
def session(
    planner: Path, window: int, seed: int = 0, settings: Engine | None = None
) -> Iterator[EnginePolicy]:
    """Start Ray and one CPU engine on `planner`; both end with the block.

    Args:
        planner: a Hugging Face folder.
        window: tokens of prompt and reply together, at most.
        seed: of the engine's sampling.
        settings: of the engine; by default those of a run.
    """
    start_ray(on_cpu=True)
    try:
        chosen = (settings or Engine()).model_dump()
        engine = create_cpu_engines(chosen, str(planner), seed, window)[0]
        ray.get(engine.ready.remote())
        yield EnginePolicy([engine], window, PolicyTokenizer.load(planner).eos_id)
    finally:
        ray.shutdown()

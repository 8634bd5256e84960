"""OpenRLHF's own vLLM actor, asked in token ids: every GPU engine, and `engine.kind=async` on CPU.

Each answer carries the version of the weights it came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ray
from openrlhf.trainer.ray.vllm_engine import RolloutRayActor

from agentflow_graph.models.policy import Completion, Sampling
from rl.adapter.engines.request import completion, sampling_params
from rl.adapter.engines.weight_version import KEPT, WeightVersion
from rl.adapter.stack.cluster import unwrap_ray_actor

DROPS = 50
"""Tries at dropping cached prefixes, a tenth of a second apart."""


class AsyncEngine(WeightVersion, unwrap_ray_actor(RolloutRayActor)):  # type: ignore[misc]
    """OpenRLHF's rollout actor (vLLM's AsyncLLM, engine core in a child process)."""

    async def __init__(self, **kwargs: Any) -> None:  # type: ignore[misc]  # Ray awaits it
        """Stock set-up, for token ids alone.

        OpenRLHF would load the file that `train.agent_func_path` names, which is no file of ours,
        and vLLM a tokenizer, which our planners keep where it does not look, and code of a model's.
        """
        own = {"agent_func_path": None, "remote_rm_url": None, "skip_tokenizer_init": True}
        own["trust_remote_code"] = False
        await super().__init__(**kwargs | own)
        self.start()

    async def generate_ids(
        self, prompt_ids: list[int], sampling: Sampling, eos_id: int
    ) -> Completion:
        """One sampled reply."""
        async with self.request() as version:
            output = await self.generate(prompt_ids, sampling_params(sampling, eos_id))
            return completion(output, version)

    async def load_weights(self, blob: bytes, version: int) -> None:
        """Serve these weights from now on."""
        async with self.new_weights(version):
            await self.llm.collective_rpc("load_bytes", args=(blob,))

    async def update_weight(self, *what: Any, **how: Any) -> Any:
        """Stock: one weight by NCCL. Behind the gate, which `set_version` opens again."""
        await self.shut_gate()
        return await super().update_weight(*what, **how)

    async def update_weight_cuda_ipc(self, *what: Any, **how: Any) -> Any:
        """Stock: one weight by CUDA IPC. Behind the gate, which `set_version` opens again."""
        await self.shut_gate()
        return await super().update_weight_cuda_ipc(*what, **how)

    async def drop_prefixes(self) -> None:
        """See `WeightVersion`. A request that was given up holds its blocks a moment longer."""
        for _ in range(DROPS):
            if await self.llm.reset_prefix_cache() is not False:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(KEPT)

    async def set_version(self, version: int) -> None:
        """The last weight of `version` is in place: requests may begin."""
        self.weights_loaded(version)

    async def ready(self) -> str:
        """Returns vLLM's version once the engine serves."""
        import vllm

        return str(vllm.__version__)


def ungated(stock: type) -> list[str]:
    """Methods of OpenRLHF's engine that change weights and that ours does not stand before."""
    changing = (name for name in vars(stock) if name.startswith(("update_weight", "load_weight")))
    return sorted(name for name in changing if name not in vars(AsyncEngine))


def awaited(stock: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """OpenRLHF's maker of GPU engines, which report what they sampled from, and are there.

    Without importance correction OpenRLHF leaves vLLM's default, log-probabilities before the
    temperature; it passes the mode as its twelfth argument. And it loads policy and reference while
    vLLM still measures what is free of the same GPUs, and takes what they took for its own.
    """

    def create(*args: Any, **kwargs: Any) -> list[Any]:
        engines = stock(*args[:11], "processed_logprobs", *args[12:], **kwargs)
        ray.get([engine.ready.remote() for engine in engines])
        return engines

    return create

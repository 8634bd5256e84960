"""Ray: how it is started, and what its actor classes wrap."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import ray

ROOT = Path(__file__).parents[3]


def unwrap_ray_actor(actor: Any) -> Any:
    """The class that `@ray.remote` wrapped: Ray's actor classes cannot be subclassed."""
    return actor.__ray_metadata__.modified_class.__ray_actor_class__


def start_ray(on_cpu: bool, nodes: int = 1) -> None:
    """Start Ray on this machine, or join the cluster of several that runs already.

    Every process of ours gets what it needs in its environment; the tree must lie in the same place
    on each machine.
    """
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(":"),
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    if on_cpu:
        environment |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    # OpenRLHF asks for one GPU an actor; on a CPU machine Ray's GPUs are mere numbers.
    ray.init(
        address="auto" if nodes > 1 else None,
        num_gpus=2 if on_cpu else None,
        num_cpus=4 if on_cpu else None,
        object_store_memory=200_000_000 if on_cpu else None,
        include_dashboard=False,
        log_to_driver=bool(os.environ.get("AGENTFLOW_DEBUG")),
        logging_level=logging.ERROR,
        runtime_env={
            "worker_process_setup_hook": "rl.adapter.stack.cpu.stub_flash_attn",
            "env_vars": environment,
        },
    )

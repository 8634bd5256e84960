"""Ray: how it is started, closed to all but this run, and what its actor classes wrap.

Whoever reaches an open Ray runs code as its user. So every cluster that we start has a token of its
own, which its processes find in their environment and nobody else knows, and listens on loopback.
Source: Ray's documentation on token authentication.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

import agentflow_graph
from agentflow_graph.errors import SettingError

ROOT = Path(agentflow_graph.__file__).parents[1]


def unwrap_ray_actor(actor: Any) -> Any:
    """The class that `@ray.remote` wrapped: Ray's actor classes cannot be subclassed."""
    return actor.__ray_metadata__.modified_class.__ray_actor_class__


def start_ray(on_cpu: bool, nodes: int = 1) -> None:
    """Start Ray on this machine, or join the cluster of several that runs already.

    Every process of ours gets what it needs in its environment; the tree must lie in the same place
    on each machine. RAY_ADDRESS is not looked at: one machine has a cluster of its own.

    Raises:
        SettingError: the cluster of several machines would be open to anybody.
    """
    if nodes == 1:
        _close_to_others()
    else:
        _check_token(nodes)
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
        address="auto" if nodes > 1 else "local",
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


def _close_to_others() -> None:
    """A new token for this cluster, and loopback for all that its processes open."""
    os.environ.pop("RAY_AUTH_TOKEN_PATH", None)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    AuthenticationTokenLoader.instance().reset_cache()
    Config.initialize("")  # this process read its environment when Ray was imported
    # Ray's switch for systems whose firewalls ask: read from the environment by the processes that
    # it starts, from here by this one. NCCL, gloo and vLLM open sockets of their own.
    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False
    os.environ |= {"NCCL_SOCKET_IFNAME": "lo", "GLOO_SOCKET_IFNAME": "lo"}
    os.environ["VLLM_HOST_IP"] = "127.0.0.1"


def _check_token(nodes: int) -> None:
    if os.environ.get("RAY_AUTH_MODE") == "token":
        return
    raise SettingError(
        f"placement.nodes={nodes}: the Ray cluster must ask for a token, or everybody in its "
        "network runs code as you. On every machine export RAY_AUTH_MODE=token before `ray start`, "
        "and give all of them one ~/.ray/auth_token (`ray get-auth-token --generate` makes it); "
        "export it here too"
    )

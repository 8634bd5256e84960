"""Start: our configuration as OpenRLHF's flags, our classes in the places of its own, then its CLI.

Names are replaced as attributes of the modules in which OpenRLHF looks them up; its command line
then builds everything (strategy, actor groups, trainer) as it always does.
"""

from __future__ import annotations

import logging
import os
import runpy
import signal
import sys
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, NoReturn

from rl.adapter.cpu import stub_flash_attn
from rl.config import Config
from rl.metrics import Recorder

stub_flash_attn()

import openrlhf.trainer.ppo_trainer as ppo_trainer  # noqa: E402
import openrlhf.trainer.ray as openrlhf_ray  # noqa: E402
import openrlhf.trainer.ray.launcher as launcher  # noqa: E402
import openrlhf.trainer.ray.ppo_actor as ppo_actor  # noqa: E402
import openrlhf.trainer.ray.vllm_engine as vllm_engine  # noqa: E402
import openrlhf.utils  # noqa: E402
import ray  # noqa: E402

from rl.adapter.engine import AsyncEngine, create_cpu_engines, tempered  # noqa: E402
from rl.adapter.flags import flags  # noqa: E402
from rl.adapter.models import FlowPolicy, FlowReference  # noqa: E402
from rl.adapter.trainer import FlowTrainer  # noqa: E402

ROOT = Path(__file__).parents[2]


class InDriver:
    """An actor handle for the trainer in this process: one process, 13 s of imports, less.

    OpenRLHF starts its trainer as a Ray actor and only ever calls it with `.remote`. In the driver
    the trainer can hold what no actor could be sent: the recorder with its open files.
    """

    def __init__(self, config: Config, recorder: Recorder) -> None:
        self._given = config, recorder

    def remote(self, *args: Any, **kwargs: Any) -> InDriver:
        """Build the trainer here."""
        self._trainer = FlowTrainer(*self._given, *args, **kwargs)
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._trainer, name)
        return SimpleNamespace(remote=lambda *args, **kwargs: ray.put(method(*args, **kwargs)))


def train(config: Config, recorder: Recorder) -> None:
    """Run the whole training; Ray is started here and always shut down."""
    terminated = Event()
    try:
        start_ray(config.engine.device == "cpu", config.placement.nodes)
        # After ray.init, whose own handler aborts the process before anything can be saved.
        signal.signal(signal.SIGTERM, partial(_leave, terminated))
        _take_places(config, recorder)
        sys.argv = ["train_ppo_ray", *flags(config)]
        runpy.run_module("openrlhf.cli.train_ppo_ray", run_name="__main__")
    except SystemExit:
        # Inside ray.get, Ray turns our exit code into 1.
        if terminated.is_set():
            raise SystemExit(143) from None
        raise
    finally:
        ray.shutdown()


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
            "worker_process_setup_hook": "rl.adapter.cpu.stub_flash_attn",
            "env_vars": environment,
        },
    )


def _leave(terminated: Event, *_: Any) -> NoReturn:
    terminated.set()
    raise SystemExit(143)


def _take_places(config: Config, recorder: Recorder) -> None:
    """Put our classes where OpenRLHF's command line will look for its own."""
    ppo_actor.PolicyModelActor = ray.remote(num_gpus=1)(FlowPolicy)
    launcher.ReferenceModelActor = ray.remote(num_gpus=1)(FlowReference)
    ppo_trainer.PPOTrainer = InDriver(config, recorder)
    if config.engine.device == "cpu":
        engine = config.engine.model_dump()
        openrlhf_ray.create_vllm_engines = lambda *_, **__: create_cpu_engines(
            engine,
            config.model.path,
            config.seed,
            config.rollout.window,
            config.deterministic,
        )
    else:
        vllm_engine.RolloutRayActor = ray.remote(AsyncEngine)
        openrlhf_ray.create_vllm_engines = tempered(openrlhf_ray.create_vllm_engines)
    stock = openrlhf.utils.get_strategy

    def with_config(args: Any) -> Any:
        args.ds.param_dtype = config.model.dtype  # the parser offers bf16 and fp16 only
        args.flow_device = config.engine.device
        args.flow_threads = 1 if config.deterministic else config.optimizer.threads
        return stock(args)

    openrlhf.utils.get_strategy = with_config

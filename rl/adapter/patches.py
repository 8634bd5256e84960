"""Our classes in the places where OpenRLHF's command line looks for its own.

Names are replaced as attributes of the modules in which OpenRLHF looks them up; its command line
then builds everything (strategy, actor groups, trainer) as it always does.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import openrlhf.trainer.ppo_trainer as ppo_trainer
import openrlhf.trainer.ray as openrlhf_ray
import openrlhf.trainer.ray.launcher as launcher
import openrlhf.trainer.ray.ppo_actor as ppo_actor
import openrlhf.trainer.ray.vllm_engine as vllm_engine
import openrlhf.utils
import ray

from rl.adapter.engines.engine import AsyncEngine, tempered
from rl.adapter.trainer import FlowTrainer
from rl.adapter.update.policy import FlowPolicy, FlowReference
from rl.run.metrics import Recorder
from rl.settings.config import Config


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


def take_places(config: Config, recorder: Recorder, cpu_engines: list[Any]) -> None:
    """Put our classes where OpenRLHF's command line will look for its own.

    Args:
        config: of the run.
        recorder: of the run.
        cpu_engines: the engines of a machine without GPUs, which are started already.
    """
    ppo_actor.PolicyModelActor = ray.remote(num_gpus=1)(FlowPolicy)
    launcher.ReferenceModelActor = ray.remote(num_gpus=1)(FlowReference)
    ppo_trainer.PPOTrainer = InDriver(config, recorder)
    if config.engine.device == "cpu":
        openrlhf_ray.create_vllm_engines = lambda *_, **__: cpu_engines
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

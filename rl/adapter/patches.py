"""Patches of OpenRLHF: our classes under the names by which its command line finds its own.

Each name is replaced as an attribute of the module in which OpenRLHF looks it up. Its command line
then builds everything (strategy, actor groups, trainer) as it always does.
"""

from __future__ import annotations

from itertools import compress
from types import SimpleNamespace
from typing import Any

import openrlhf.trainer.ppo_trainer as ppo_trainer
import openrlhf.trainer.ray as openrlhf_ray
import openrlhf.trainer.ray.launcher as launcher
import openrlhf.trainer.ray.ppo_actor as ppo_actor
import openrlhf.trainer.ray.vllm_engine as vllm_engine
import openrlhf.utils
import ray

from agentflow_graph.errors import SettingError
from rl.adapter.engines.async_engine import AsyncEngine, awaited, ungated
from rl.adapter.engines.weight_version import CALLS
from rl.adapter.stack.cluster import unwrap_ray_actor
from rl.adapter.stack.flags import complete
from rl.adapter.trainer import FlowTrainer
from rl.adapter.update.policy import FlowPolicy, FlowReference
from rl.run.metrics import Recorder
from rl.settings.config import Config


class InDriver:
    """An actor handle for the trainer in this process. Saves one process and 13 s of imports.

    OpenRLHF starts its trainer as a Ray actor and only ever calls it with `.remote`. In the driver
    the trainer can hold the recorder and its open files, which could not be sent to an actor.
    """

    def __init__(self, config: Config, recorder: Recorder) -> None:
        self._own = config, recorder

    def remote(self, *args: Any, **kwargs: Any) -> InDriver:
        """Build the trainer here."""
        self._trainer = FlowTrainer(*self._own, *args, **kwargs)
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._trainer, name)
        return SimpleNamespace(remote=lambda *args, **kwargs: ray.put(method(*args, **kwargs)))


def check_gate(config: Config, stock: type) -> None:
    """Refuse rollouts beside an update where weights could change in the middle of a reply.

    Raises:
        SettingError: OpenRLHF's engine has a way to change weights that ours does not gate.
    """
    rollout = config.rollout
    asked = f"rollout.max_steps_ahead={rollout.max_steps_ahead}", f"rollout.close={rollout.close:g}"
    beside = list(compress(asked, (rollout.max_steps_ahead, rollout.close < 1)))
    if beside and (names := ungated(stock)):
        raise SettingError(
            f"{' and '.join(beside)} needs engines that answer nothing while weights change, and "
            f"this OpenRLHF's changes them by {', '.join(names)} too; set it to 0 (of "
            "rollout.close to 1), or install the version that the lock names"
        )


def patch_openrlhf(config: Config, recorder: Recorder, cpu_engines: list[Any]) -> None:
    """Let OpenRLHF's command line find our classes.

    Args:
        config: of the run.
        recorder: of the run.
        cpu_engines: the engines of a machine without GPUs, already started.
    """
    ppo_actor.PolicyModelActor = ray.remote(num_gpus=1)(FlowPolicy)
    launcher.ReferenceModelActor = ray.remote(num_gpus=1)(FlowReference)
    ppo_trainer.PPOTrainer = InDriver(config, recorder)
    if config.engine.device == "cpu":
        openrlhf_ray.create_vllm_engines = lambda *_, **__: cpu_engines
    else:
        check_gate(config, unwrap_ray_actor(vllm_engine.RolloutRayActor))
        vllm_engine.RolloutRayActor = ray.remote(max_concurrency=CALLS)(AsyncEngine)  # type: ignore[call-overload]
        openrlhf_ray.create_vllm_engines = awaited(openrlhf_ray.create_vllm_engines)
    # It would deal the rows of micro-batches out anew; ours are whole groups, as many a rank.
    ppo_trainer.balance_experiences = lambda experiences, _: experiences
    stock = openrlhf.utils.get_strategy

    def with_config(args: Any) -> Any:
        complete(args, config)
        return stock(args)

    openrlhf.utils.get_strategy = with_config

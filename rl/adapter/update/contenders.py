"""The policy step by itself, ours and stock OpenRLHF's, side by side in one Ray: for benchmarks.

A step is all that happens to a step's rollouts after they are there: rows, log-probabilities of
policy and reference, advantages, replay buffer, forward, backward and optimizer. Each side has its
own policy process and its own reference.
"""

from __future__ import annotations

from typing import Any

import openrlhf.trainer.ray.launcher as launcher
import openrlhf.trainer.ray.ppo_actor as ppo_actor
import ray
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker
from openrlhf.trainer.ppo_utils.kl_controller import FixedKLController
from openrlhf.utils import get_strategy

from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.stack.cluster import start_ray, unwrap_ray_actor
from rl.adapter.stack.cpu import allow_fp32, prepare
from rl.adapter.update.experience import FlowExperienceMaker, assign
from rl.adapter.update.policy import FlowPolicy, FlowReference, load_tokenizer
from rl.adapter.update.rows import turn_row
from rl.rollout import Trajectory
from rl.settings.config import Config


class StockPolicy(unwrap_ray_actor(ppo_actor.PolicyModelActor)):  # type: ignore[misc]
    """OpenRLHF's own policy actor; only torch.cuda's three stand-ins are ours."""

    def init_model_from_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Stock set-up without engines."""
        ppo_actor.get_tokenizer = load_tokenizer
        allow_fp32()
        prepare()
        super().init_model_from_pretrained(*args, **kwargs)


class StockReference(unwrap_ray_actor(launcher.ReferenceModelActor)):  # type: ignore[misc]
    """OpenRLHF's own reference actor."""

    def init_model_from_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Stock set-up."""
        allow_fp32()
        prepare()
        super().init_model_from_pretrained(*args, **kwargs)


class Contenders:
    """Starts the processes; `ours` and `stock` each do one step."""

    def __init__(self, config: Config) -> None:
        args = openrlhf_args(config)
        start_ray(on_cpu=True)
        self.config = config
        self._policy, self._reference = _groups(FlowPolicy, FlowReference, args, config)
        self._stock_policy, stock_reference = _groups(StockPolicy, StockReference, args, config)
        tokenizer = load_tokenizer(config.model.path)
        kl = FixedKLController(config.algorithm.kl)
        given = kl, get_strategy(args), tokenizer
        self._maker = FlowExperienceMaker(self._policy, None, None, self._reference, *given)
        self._maker.algorithm = config.algorithm
        self._stock_maker = RemoteExperienceMaker(
            self._stock_policy, None, None, stock_reference, *given
        )

    def ours(self, trajectories: list[Trajectory]) -> dict[str, Any]:
        """Our step; returns the policy's status."""
        credit = assign(trajectories, self.config.algorithm, 0)
        return self._trained(self._policy, self._maker.make_experience_batch(credit))

    def stock(self, trajectories: list[Trajectory]) -> dict[str, Any]:
        """Stock's step on the same turn rows; a multiple of the group, or it refuses them."""
        window = self.config.rollout.window
        rows = [turn_row(t, action, window) for t in trajectories for action in t.actions]
        return self._trained(self._stock_policy, self._stock_maker.make_experience_batch(rows))

    def _trained(self, group: Any, experiences: list[Any]) -> dict[str, Any]:
        ray.get(group.async_run_method_batch("append", experience=experiences))
        beta = self.config.algorithm.kl
        status: dict[str, Any] = ray.get(group.async_run_method("fit", kl_ctl=beta))[0]
        return status

    def close(self) -> None:
        """End Ray and every process of it."""
        ray.shutdown()


def _groups(policy: type, reference: type, args: Any, config: Config) -> tuple[Any, Any]:
    model, horizon = config.model.path, 1_000_000
    return _group(policy, args, model, horizon), _group(reference, args, model)


def _group(kind: type, args: Any, *given: Any) -> Any:
    actor: Any = ray.remote(num_gpus=1)(kind)
    group = launcher.RayActorGroup(1, 1, actor, num_gpus_per_actor=0.5)
    ray.get(group.async_init_model_from_pretrained(get_strategy(args), *given))
    return group

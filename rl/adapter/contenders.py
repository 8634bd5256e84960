"""The policy step by itself, ours and stock OpenRLHF's, side by side in one Ray: for benchmarks.

A step is all that happens to a step's rollouts after they are there: rows, log-probabilities of
policy and reference, advantages, replay buffer, forward, backward and optimizer. Each side has its
own policy process and they share the reference.
"""

from __future__ import annotations

import copy
import os
from typing import Any

from rl.adapter.cpu import allow_fp32, prepare, stub_flash_attn

stub_flash_attn()

import openrlhf.trainer.ray.ppo_actor as ppo_actor  # noqa: E402
import ray  # noqa: E402
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker  # noqa: E402
from openrlhf.trainer.ppo_utils.kl_controller import FixedKLController  # noqa: E402
from openrlhf.trainer.ray.launcher import RayActorGroup  # noqa: E402
from openrlhf.utils import get_strategy  # noqa: E402

from rl.adapter.engine import plain  # noqa: E402
from rl.adapter.experience import FlowExperienceMaker, assign  # noqa: E402
from rl.adapter.launch import start_ray  # noqa: E402
from rl.adapter.models import FlowPolicy, FlowReference, load_tokenizer  # noqa: E402
from rl.adapter.parsed import parsed  # noqa: E402
from rl.adapter.samples import FlowSamplesGenerator  # noqa: E402
from rl.config import Config  # noqa: E402
from rl.rollout import Trajectory  # noqa: E402


class StockPolicy(plain(ppo_actor.PolicyModelActor)):  # type: ignore[misc]
    """OpenRLHF's own policy actor; only torch.cuda's three stand-ins are ours."""

    def init_model_from_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Stock set-up without engines."""
        ppo_actor.get_tokenizer = load_tokenizer
        allow_fp32()
        prepare()
        super().init_model_from_pretrained(*args, **kwargs)

    def memory(self) -> int:
        """Bytes that this process holds."""
        return resident()


class Policy(FlowPolicy):
    """Ours."""

    def memory(self) -> int:
        """Bytes that this process holds."""
        return resident()


class Reference(FlowReference):
    """The reference of both."""

    def memory(self) -> int:
        """Bytes that this process holds."""
        return resident()


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Contenders:
    """Starts the processes; `ours` and `stock` each do one step."""

    def __init__(self, config: Config, with_stock: bool = True) -> None:
        args = parsed(config)
        start_ray(on_cpu=True)
        self.config = config
        self.reference = _group(Reference, args, config.model.path)
        self.policy = _group(Policy, args, config.model.path, 1_000_000)
        tokenizer = load_tokenizer(config.model.path)
        kl = FixedKLController(config.algorithm.kl)
        given = None, None, self.reference, kl, get_strategy(args), tokenizer
        self._maker = FlowExperienceMaker(self.policy, *given)
        self._maker.algorithm = config.algorithm
        self._samples = self._maker.samples = object.__new__(FlowSamplesGenerator)
        self._samples.tokenizer = tokenizer
        if with_stock:
            plain_args = copy.deepcopy(args)
            self.stock_policy = _group(StockPolicy, plain_args, config.model.path, 1_000_000)
            strategy = get_strategy(plain_args)
            self._stock_maker = RemoteExperienceMaker(
                self.stock_policy, None, None, self.reference, kl, strategy, tokenizer
            )

    def ours(self, trajectories: list[Trajectory]) -> dict[str, Any]:
        """Our step; returns the policy's status."""
        credit = assign(trajectories, self.config.algorithm, 0)
        return self._trained(self.policy, self._maker.make_experience_batch(credit))

    def stock(self, trajectories: list[Trajectory]) -> dict[str, Any]:
        """Stock's step on the same turn rows; a multiple of the group, or it refuses them."""
        window = self.config.rollout.window
        rows = [self._samples.row(t, action, window) for t in trajectories for action in t.actions]
        return self._trained(self.stock_policy, self._stock_maker.make_experience_batch(rows))

    def _trained(self, group: Any, experiences: list[Any]) -> dict[str, Any]:
        ray.get(group.async_run_method_batch("append", experience=experiences))
        beta = self.config.algorithm.kl
        status: dict[str, Any] = ray.get(group.async_run_method("fit", kl_ctl=beta))[0]
        return status

    def memory(self) -> dict[str, int]:
        """Bytes that driver, policy and reference hold."""
        groups = {"policy": self.policy, "reference": self.reference}
        found = {name: ray.get(one.async_run_method("memory"))[0] for name, one in groups.items()}
        return {"driver": resident(), **found}

    def close(self) -> None:
        """End Ray and every process of it."""
        ray.shutdown()


def _group(kind: type, args: Any, *given: Any) -> Any:
    actor: Any = ray.remote(num_gpus=1)(kind)
    group = RayActorGroup(1, 1, actor, num_gpus_per_actor=0.5)
    ray.get(group.async_init_model_from_pretrained(get_strategy(args), *given))
    return group

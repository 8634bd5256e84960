"""The policy step by itself, ours and stock OpenRLHF's, side by side in one Ray: for benchmarks.

A step is all that happens to a step's rollouts after they are there: rows, log-probabilities of
policy and reference, advantages, replay buffer, forward, backward and optimizer. Each side has its
own policy process and its own reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openrlhf.trainer.ray.launcher as launcher
import openrlhf.trainer.ray.ppo_actor as ppo_actor
import ray
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker
from openrlhf.trainer.ppo_utils.kl_controller import FixedKLController
from openrlhf.utils import get_strategy

from rl.adapter.objective.credit import assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.stack.cluster import start_ray, unwrap_ray_actor
from rl.adapter.stack.cpu import allow_fp32, prepare
from rl.adapter.stack.loading import load_tokenizer
from rl.adapter.update.experience import FlowExperienceMaker
from rl.adapter.update.policy import FlowPolicy, FlowReference
from rl.adapter.update.rows import turn_row
from rl.adapter.update.sharing import Choice, settle
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


class Peak:
    """Memory of the process that it is mixed into."""

    def forget_peak(self) -> None:
        """Count the peak of resident memory anew from here (Linux)."""
        Path("/proc/self/clear_refs").write_text("5")

    def peak(self) -> float:
        """The most resident memory since then, MB."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


class MeasuredPolicy(Peak, FlowPolicy):
    """Our policy, whose memory can be asked for."""


class MeasuredStock(Peak, StockPolicy):
    """Stock's."""


class Contender:
    """A policy and a reference in processes of their own, and their steps."""

    def __init__(self, config: Config, stock: bool = False) -> None:
        args = openrlhf_args(config)
        self.config, self.stock = config, stock
        if stock:
            groups = _groups(MeasuredStock, StockReference, args, config)
        else:
            groups = _groups(MeasuredPolicy, FlowReference, args, config)
        self._policy, reference = groups
        kind = RemoteExperienceMaker if stock else FlowExperienceMaker
        kl = FixedKLController(config.algorithm.kl)
        tokenizer = load_tokenizer(config.model.path, None, "left", get_strategy(args))
        self._maker = kind(self._policy, None, None, reference, kl, get_strategy(args), tokenizer)
        if not stock:
            self._maker.algorithm, self._maker.micro_tokens = config.algorithm, config.micro_tokens
        if config.optimizer.share_prefixes == "on" and not stock:
            settle(self._maker, Choice(True, "asked for"), wanted=True)

    def step(self, trajectories: list[Trajectory]) -> dict[str, Any]:
        """A policy step; returns the policy's status. Stock takes a multiple of the group only."""
        if self.stock:
            window = self.config.rollout.window
            given: Any = [turn_row(t, a, window) for t in trajectories for a in t.actions]
        else:
            given = assign(trajectories, self.config, 0)
        experiences = self._maker.make_experience_batch(given)
        group, beta = self._policy, self.config.algorithm.kl
        ray.get(group.async_run_method_batch("append", experience=experiences))
        status: dict[str, Any] = ray.get(group.async_run_method("fit", kl_ctl=beta))[0]
        return status

    def peak(self, work: Callable[[], object]) -> float:
        """Most resident memory of the policy's process during `work`, MB."""
        ray.get(self._policy.async_run_method("forget_peak"))
        work()
        found: float = ray.get(self._policy.async_run_method("peak"))[0]
        return found


@contextmanager
def contenders(sides: Mapping[str, tuple[Config, bool]]) -> Iterator[dict[str, Contender]]:
    """The contenders by name, from configuration and whether they are stock's, in one Ray."""
    start_ray(on_cpu=True)
    try:
        yield {name: Contender(*side) for name, side in sides.items()}
    finally:
        ray.shutdown()


def _groups(policy: type, reference: type, args: Any, config: Config) -> tuple[Any, Any]:
    model, horizon = config.model.path, 1_000_000
    return _group(policy, args, model, horizon), _group(reference, args, model)


def _group(kind: type, args: Any, *given: Any) -> Any:
    actor: Any = ray.remote(num_gpus=1)(kind)
    group = launcher.RayActorGroup(1, 1, actor, num_gpus_per_actor=0.25)
    ray.get(group.async_init_model_from_pretrained(get_strategy(args), *given))
    return group

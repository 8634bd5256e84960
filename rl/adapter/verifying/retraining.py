"""Policy and reference of a run in this process, and its updates made once more.

Credit, rows, trees, OpenRLHF's experience maker and loss, DeepSpeed and its optimizer are the
trainer's own, with the run's settings. Ray is not started: each actor is a plain object here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import openrlhf.trainer.ppo_utils.experience_maker as experience_maker
import torch
from openrlhf.trainer.ppo_utils.kl_controller import FixedKLController
from openrlhf.utils import get_strategy

from rl.adapter.objective.credit import assign
from rl.adapter.stack.arguments import openrlhf_args
from rl.adapter.stack.loading import load_tokenizer
from rl.adapter.update import sharing
from rl.adapter.update.experience import FlowExperienceMaker
from rl.adapter.update.policy import FlowPolicy, FlowReference
from rl.rollout import Trajectory
from rl.settings.config import Config


class Here:
    """An actor group of one actor that is an object of this process."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def async_run_method(self, method_name: str, **given: Any) -> list[Any]:
        """What the one actor answers."""
        return [getattr(self._actor, method_name)(**given)]

    def async_run_method_batch(self, method_name: str, **columns: Any) -> list[list[Any]]:
        """What it answers to each entry of `columns`."""
        method = getattr(self._actor, method_name)
        entries = zip(*columns.values(), strict=True)
        return [[method(**dict(zip(columns, entry, strict=True))) for entry in entries]]


@contextmanager
def _without_ray() -> Iterator[None]:
    """A reference is the thing itself."""
    here = SimpleNamespace(get=lambda thing: thing, put=lambda thing: thing)
    with patch.object(experience_maker, "ray", here), patch.object(sharing, "ray", here):
        yield


class Retraining:
    """The run from its first weights on.

    Args:
        config: of the run; `model.path` is where its first weights lie now.
    """

    def __init__(self, config: Config) -> None:
        os.environ |= {"DS_ACCELERATOR": "cpu", "GLOO_SOCKET_IFNAME": "lo"}
        torch.set_num_threads(1)  # as in the processes of a deterministic run
        args = openrlhf_args(config)
        args.ckpt.load_enable = False
        self.config = config
        self.strategy = get_strategy(args)
        self.policy = _started(FlowPolicy, args, config, config.steps, [])
        beta = config.algorithm.kl
        reference = Here(_started(FlowReference, args, config)) if beta else None
        tokenizer = load_tokenizer(config.model.path)
        self._maker = FlowExperienceMaker(
            *(Here(self.policy), None, None, reference, FixedKLController(beta)),
            *(self.strategy, tokenizer),
        )
        self._maker.algorithm, self._maker.micro_tokens = config.algorithm, config.micro_tokens

    @property
    def version(self) -> int:
        """Updates so far."""
        return int(self.policy.version)

    @property
    def shared(self) -> bool:
        """Whether rows are computed as prefix trees by now."""
        return bool(self._maker.sharing)

    def update(self, step: int, samples: list[Trajectory]) -> bool:
        """The update of a step, as `FlowTrainer.train_step` makes it; False where none was."""
        credit = assign(samples, self.config, self.config.seed + step)
        if not credit.rows:
            return False
        wanted, maker = self.config.optimizer.share_prefixes, self._maker
        with _without_ray():
            if wanted != "off" and maker.sharing is None:
                choice = sharing.measured(maker, credit, timed=False)
                sharing.settle(maker, choice, wanted == "on")
            for experience in maker.make_experience_batch(credit):
                self.policy.append(experience)
        self.policy.begin(progress=(step - 1) / self.config.steps)
        self.policy.fit(kl_ctl=maker.kl_ctl.value)
        self.policy.version += 1
        return True


def _started(kind: type, args: Any, config: Config, *given: Any) -> Any:
    actor = kind(1, 0, "127.0.0.1", 1)  # one rank needs no port
    actor.init_model_from_pretrained(get_strategy(args), config.model.path, *given)
    return actor

"""The learning rate over a training: a warm-up by optimizer steps, then a course by training steps.

OpenRLHF takes a schedule of transformers, whose horizon is a number of optimizer steps. Nobody
knows that number before: how many rows a step leaves depends on the runs. So the course goes by the
share of training steps that are done. Step k of a warm-up of n has the rate lr * k / n; in
transformers' it has (k - 1) / n, and the first step does nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from openrlhf.utils.deepspeed import deepspeed as strategy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

COURSES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: (1.0 + math.cos(math.pi * progress)) / 2,
}
"""From 1 at the beginning of training, progress 0, to what is left at its end, 1."""


def factor(taken: int, progress: float, warmup: int, course: str, least: float) -> float:
    """Share of the learning rate that an optimizer step has.

    Args:
        taken: optimizer steps before it.
        progress: share of the training steps before it, 0 to 1.
        warmup: optimizer steps until the rate is whole.
        course: a name of `COURSES`.
        least: share of the rate that is left at the end.
    """
    risen = min(1.0, (taken + 1) / warmup) if warmup else 1.0
    return risen * (least + (1.0 - least) * COURSES[course](progress))


class Schedule(LRScheduler):
    """Stepped by DeepSpeed after each optimizer step, and told of each training step."""

    def __init__(
        self, optimizer: Optimizer, lr: float, warmup: int, course: str, least: float
    ) -> None:
        self.rate, self.how, self.progress = lr, (warmup, course, least), 0.0
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Any]:
        """The rate of the next optimizer step, for each group of parameters."""
        rate = self.rate * factor(self.last_epoch, self.progress, *self.how)
        return [rate for _ in self.optimizer.param_groups]

    def at(self, progress: float) -> None:
        """The training stands at `progress`."""
        self.progress = progress
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Steps taken are the checkpoint's; rate and course are the settings', which may be new."""
        self.last_epoch = state_dict["last_epoch"]
        self.at(self.progress)


def install(how: dict[str, Any]) -> None:
    """Let OpenRLHF make this schedule; `how` has what `Schedule` takes beside the optimizer."""
    strategy.get_scheduler = lambda _, optimizer, **__: Schedule(optimizer, **how)

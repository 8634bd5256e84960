"""No step on a gradient that is not finite, whatever DeepSpeed shards.

With fp16 DeepSpeed looks, and leaves such a step out. With fp32 and bf16 stages 1 and 2 look if
they are told; stage 3 does not, and one NaN spoils every weight.
"""

from __future__ import annotations

import math
from typing import Any

import torch


def guard(optimizer: Any, stage: int) -> None:
    """Let the ZeRO optimizer of `stage` leave out steps that are not finite, and count them."""
    if stage == 3:
        optimizer._overflow_check_and_loss_scale_update = _Look(optimizer)
    else:
        optimizer.check_grad_overflow = True


class _Look:
    """In the place of stage 3's check of fp16 gradients: the global norm, before the step."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def __call__(self) -> bool:
        """Whether the step is left out; equal on all ranks, for the norms are summed over them."""
        found = self.optimizer
        # DeepSpeed writes -1 for a norm that is NaN or infinite.
        norms = torch.stack([norm.float().cpu() for norm in found._get_norm_groups()])
        found.overflow = not bool((norms >= 0).all())
        if found.overflow:
            found._global_grad_norm = torch.tensor(math.nan)
            found._overflow_clean_up(found.loss_scale)
        return bool(found.overflow)

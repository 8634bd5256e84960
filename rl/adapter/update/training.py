"""OpenRLHF's loop over micro-batches, as the policy's process runs it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import openrlhf.trainer.ray.ppo_actor as ppo_actor
import torch
from openrlhf.utils.loss_utils import get_loss_batch_info
from peft import PeftModel

from rl.adapter.update import lora
from rl.adapter.update.buffer import TreeBuffer


class FlowActorTrainer(ppo_actor.ActorPPOTrainer):  # type: ignore[misc]
    """OpenRLHF's PPO trainer; survives a micro-batch of blank rows and syncs adapters merged."""

    actor: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args.train.dynamic_batch_enable:
            self.replay_buffer = TreeBuffer()
        self.actor.entropy_learns = bool(self.args.actor.entropy_coef)

    def training_step(
        self, experience: Any, kl: float, place: int, info: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Stock step. A batch without action tokens has no mean to report: its metrics are 0/0."""
        if self.args.train.dynamic_batch_enable:
            # Unless it is told, DeepSpeed keeps the gradient of a window's last micro-batch only.
            last = bool(self.replay_buffer.dynamic_optimizer_step[place])
            self.actor.model.set_gradient_accumulation_boundary(last)
        rate = self.actor_scheduler.get_last_lr()[0]
        status: dict[str, Any] = super().training_step(experience, kl, place, info)
        status["metrics"]["actor_lr"] = rate  # of this step; stock tells the next one's
        self._own_means(status, experience.action_mask.float(), place, info)
        if status["num_action_tokens"] == 0:
            status["num_action_tokens"] = 1e-6
            status["metrics"] = {
                name: torch.nan_to_num(value) if isinstance(value, torch.Tensor) else value
                for name, value in status["metrics"].items()
            }
        return status

    def _own_means(
        self, status: dict[str, Any], acted: torch.Tensor, place: int, info: dict[str, Any] | None
    ) -> None:
        """Report means of a micro-batch; in the loss they are its part of its window's mean.

        `acted`: (B, T-1), 1 for an action token. `info`: what OpenRLHF's loss divides by; None
        where the buffer's tables have it.
        """
        metrics, counts = status["metrics"], acted.sum(-1)
        by = info or get_loss_batch_info(
            self.strategy, acted, replay_buffer=self.replay_buffer, step=place, dynamic_batch=True
        )
        tokens = by["batch_num_tokens"] / counts.sum().clamp(min=1) / by["dp_size"]
        rows = by["global_batch_size"] / (counts > 0).sum().clamp(min=1) / by["dp_size"]
        by_rows = not self.actor_loss_fn.token_level_loss
        metrics["policy_loss"] = metrics["policy_loss"] * (rows if by_rows else tokens)
        for name in {"kl", "entropy_loss"} & metrics.keys():
            metrics[name] = metrics[name] * tokens

    def broadcast_to_vllm(self) -> None:
        """Stock transport (NCCL or CUDA IPC). Of an adapted policy it sees merged weights instead.

        CUDA IPC has been seen on a GPU, NCCL and adapters have not: docs/gpu.md.
        """
        actor, model = self.actor, self.actor.model.module
        if not isinstance(model, PeftModel):
            super().broadcast_to_vllm()
            return
        try:
            for some in lora.portions(model, self.strategy.args.ds.zero_stage == 3):
                module = SimpleNamespace(named_parameters=some.items)  # all that it is asked for
                self.actor = SimpleNamespace(model=SimpleNamespace(module=module), is_vlm=False)
                super().broadcast_to_vllm()
        finally:
            self.actor = actor

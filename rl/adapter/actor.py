"""OpenRLHF's actor, with logits for the replies only.

Stock computes logits of every token, prompt and padding too, and throws most away: a prompt is
several times as long as the reply it gets, and a vocabulary much wider than the model. Here each
row is moved to the right end, so that the replies are the last columns, and transformers is asked
for the logits of these alone (`logits_to_keep`). Log-probabilities and gradients are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl.adapter.cpu import stub_flash_attn

stub_flash_attn()

from openrlhf.models import Actor  # noqa: E402
from openrlhf.models.utils import log_probs_from_logits  # noqa: E402


class FlowActor(Actor):  # type: ignore[misc]
    """Log-probabilities of action tokens; whatever else is asked for is stock's."""

    def forward(
        self,
        sequences: Tensor,
        action_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **how: Any,
    ) -> Any:
        """Log-probability of each action token.

        Args:
            sequences: (B, T) token ids, padded on the right.
            action_mask: (B, T-1); at j it says whether token j + 1 was sampled.
            attention_mask: (B, T), 0 for padding.
            how: as for the stock actor.

        Returns:
            (B, T-1), 0 where `action_mask` is; with `return_output=True` also the model's output.
        """
        whole = self.packing_samples or self.is_vlm or how.get("return_entropy")
        if whole or action_mask is None or attention_mask is None:
            return super().forward(sequences, action_mask, attention_mask, **how)
        shift = sequences.shape[1] - attention_mask.sum(1, keepdim=True)
        ids, mask = rolled(sequences, shift), rolled(attention_mask, shift)
        place = torch.arange(action_mask.shape[1], device=ids.device) + shift
        first = torch.where(action_mask.bool(), place, ids.shape[1] - 2).min()
        keep = int(ids.shape[1] - 1 - first)
        position = (mask.long().cumsum(-1) - 1).masked_fill(mask == 0, 1)
        output = self.model(
            ids, attention_mask=mask, position_ids=position, logits_to_keep=keep + 1
        )
        logits = output["logits"][:, :-1].to(torch.float32)
        if self.temperature != 1.0:
            logits = logits / self.temperature
        found = log_probs_from_logits(logits, ids[:, -keep:])
        back = (place - first).clamp(0, keep - 1)
        log_probs = found.gather(1, back) * action_mask.float()
        return (log_probs, output) if how.get("return_output") else log_probs


def rolled(values: Tensor, shift: Tensor) -> Tensor:
    """(B, T) with each row moved `shift` (B, 1) places to the right, its end to its beginning."""
    width = values.shape[1]
    place = (torch.arange(width, device=values.device) - shift) % width
    return values.gather(1, place)

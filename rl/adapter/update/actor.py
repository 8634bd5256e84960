"""OpenRLHF's actor, with logits for the replies only.

Stock computes logits of every token, prompt and padding too, and throws most away: a prompt is
several times as long as the reply it gets, and a vocabulary much wider than the model. Here
transformers is asked for the logits of the replies alone (`logits_to_keep`). Log-probabilities and
gradients are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from openrlhf.models import Actor
from openrlhf.models.utils import log_probs_from_logits
from peft import PeftModel
from torch import Tensor

from agentflow_graph.errors import SettingError
from rl.prefix.attention import install
from rl.prefix.logprobs import Entropy, entropies, of_batch


class FlowActor(Actor):  # type: ignore[misc]
    """Log-probabilities of action tokens, and entropies; whatever else is asked for is stock's."""

    sharing = False
    """Whether the rows of a batch are computed as one prefix tree."""
    entropy_learns = False
    """Whether a gradient flows through entropies; logged ones need none."""

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
            (B, T-1), 0 where `action_mask` is; with `return_output=True` also the model's output,
            which with `return_entropy=True` has `entropy`, (B, T-1), right where `action_mask` is.
        """
        needs_all = self.is_vlm or how.get("ring_attn_group")
        if needs_all or action_mask is None or attention_mask is None:
            return super().forward(sequences, action_mask, attention_mask, **how)
        form = self.shared if self.sharing else self.padded
        wanted: Entropy = "learned" if self.entropy_learns else "measured"
        entropy: Entropy = wanted if how.get("return_entropy") else ""
        log_probs, output = form(sequences, action_mask, attention_mask, entropy)
        log_probs = log_probs * action_mask.float()
        return (log_probs, output) if how.get("return_output") else log_probs

    def share(self) -> None:
        """Compute rows as one prefix tree from now on.

        Raises:
            SettingError: the architecture cannot.
        """
        try:
            install(self.plain_model)
        except ValueError as error:
            raise SettingError(f"{error}; set optimizer.share_prefixes=off") from error
        self.sharing = True

    @property
    def plain_model(self) -> Any:
        """The transformers model inside DeepSpeed's engine and peft's wrapper."""
        model = getattr(self.model, "module", self.model)
        return model.get_base_model() if isinstance(model, PeftModel) else model

    def shared(
        self, sequences: Tensor, acted: Tensor, attended: Tensor, entropy: Entropy = ""
    ) -> tuple[Tensor, Any]:
        """Each token that rows share, once: `rl.prefix`. Shapes as in `forward`."""
        return of_batch(self.model, sequences, acted, attended, self.temperature, entropy)

    def padded(
        self, sequences: Tensor, acted: Tensor, attended: Tensor, entropy: Entropy = ""
    ) -> tuple[Tensor, Any]:
        """Each row by itself. Shapes as in `forward`."""
        form = self._packed if self.packing_samples else self._aligned
        return form(sequences, acted, attended, entropy)

    def _aligned(
        self, sequences: Tensor, acted: Tensor, attended: Tensor, entropy: Entropy
    ) -> tuple[Tensor, Any]:
        """Rows moved to the right end: the last columns hold every reply."""
        shift = sequences.shape[1] - attended.sum(1, keepdim=True)
        ids, mask = roll_rows(sequences, shift), roll_rows(attended, shift)
        place = torch.arange(acted.shape[1], device=ids.device) + shift
        first = torch.where(acted.bool(), place, ids.shape[1] - 2).min()
        keep = int(ids.shape[1] - 1 - first)
        position = (mask.long().cumsum(-1) - 1).masked_fill(mask == 0, 1)
        output = self.model(
            ids, attention_mask=mask, position_ids=position, logits_to_keep=keep + 1
        )
        logits, column = self._scaled(output["logits"][:, :-1]), (place - first).clamp(0, keep - 1)
        if entropy:
            output.entropy = entropies(logits, entropy == "learned").gather(1, column)
        found: Tensor = log_probs_from_logits(logits, ids[:, -keep:])
        return found.gather(1, column), output

    def _packed(
        self, sequences: Tensor, acted: Tensor, attended: Tensor, entropy: Entropy
    ) -> tuple[Tensor, Any]:
        """Rows behind one another without padding; each begins where positions restart at 0."""
        real = attended.flatten().nonzero()[:, 0]
        position = (attended.long().cumsum(-1) - 1).flatten()[real]
        acts = torch.nn.functional.pad(acted, (0, 1)).flatten()[real].nonzero()[:, 0]
        keep = acts if len(acts) else torch.zeros(1, dtype=torch.long, device=acts.device)
        output = self.model(
            sequences.flatten()[real][None],
            attention_mask=None,
            position_ids=position[None],
            logits_to_keep=keep,
        )
        follows = sequences.roll(-1, 1).flatten()[real][keep]
        logits = self._scaled(output["logits"])

        def spread(found: Tensor) -> Tensor:
            flat = torch.zeros(sequences.numel(), dtype=found.dtype, device=found.device)
            return flat.index_put((real[keep],), found[0]).view_as(sequences)[:, :-1]

        if entropy:
            output.entropy = spread(entropies(logits, entropy == "learned"))
        return spread(log_probs_from_logits(logits, follows[None])), output

    def _scaled(self, logits: Tensor) -> Tensor:
        scaled: Tensor = logits.to(torch.float32) / self.temperature
        return scaled


def roll_rows(values: Tensor, shift: Tensor) -> Tensor:
    """(B, T) with each row moved `shift` (B, 1) places to the right, its end to its beginning."""
    width = values.shape[1]
    place = (torch.arange(width, device=values.device) - shift) % width
    return values.gather(1, place)

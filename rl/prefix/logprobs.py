"""Log-probabilities of chosen tokens of some rows, through their prefix tree."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rl.prefix.attention import no_mask
from rl.prefix.tree import PrefixTree


def of_batch(
    model: Any, sequences: Tensor, chosen: Tensor, attended: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Any]:
    """Log-probabilities of the chosen tokens of padded rows, each shared token computed once.

    Args:
        model: with the attention of `rl.prefix.attention.install`; may be wrapped by DeepSpeed.
        sequences: (B, T) token ids, padded on the right.
        chosen: (B, T-1) bool; at j it says whether token j + 1 is wanted.
        attended: (B, T), 0 for padding.
        temperature: logits are divided by it.

    Returns:
        (B, T-1) float32, 0 where nothing is wanted, and the model's output.
    """
    tree = PrefixTree.of(unpadded(sequences, attended)).to(sequences.device)
    pairs = [
        (path, places[: len(path) - 1])
        for path, places in zip(tree.paths, chosen.bool(), strict=True)
    ]
    before = torch.cat([path[:-1][places] for path, places in pairs])
    after = torch.cat([path[1:][places] for path, places in pairs])
    found, output = of_nodes(model, tree, before, tree.ids[after], temperature)
    spread = torch.zeros(chosen.shape, dtype=found.dtype, device=found.device)
    return spread.index_put(tuple(chosen.nonzero().T), found), output


def unpadded(sequences: Tensor, attended: Tensor) -> list[list[int]]:
    """The rows of a batch (B, T) without the padding on the right, where `attended` (B, T) is 0."""
    lengths: list[int] = attended.sum(1).tolist()
    return [row[:length] for row, length in zip(sequences.tolist(), lengths, strict=True)]


def of_nodes(
    model: Any, tree: PrefixTree, before: Tensor, tokens: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Any]:
    """(K,) log-probability of `tokens` (K,) after the nodes `before` (K,), and the model's output.

    Logits are computed once for each node that is named, however often it is.
    """
    asked, place = before.unique(return_inverse=True)
    if not len(asked):  # a batch without targets must reach every parameter all the same
        asked = tree.depth[:1]
    output = model(
        tree.ids[None],
        attention_mask=no_mask(tree.ids.device),
        position_ids=tree.depth[None],
        logits_to_keep=asked,
        use_cache=False,
        tree=tree,
    )
    logits = output["logits"][0].float() / temperature
    return logits[place, tokens] - logits.logsumexp(-1)[place], output

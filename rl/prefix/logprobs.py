"""Log-probabilities of chosen tokens of some rows, through their prefix tree, and entropies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rl.prefix.attention import no_mask
from rl.prefix.tree import PrefixTree

Entropy = Literal["", "measured", "learned"]
"""Whether entropies are wanted too, and whether a gradient is to flow through them."""
CHUNK = 256
"""Distributions that are held in fp32 at once."""


def entropies(logits: Tensor, learned: bool, temperature: float = 1.0) -> Tensor:
    """H = log sum exp z - sum softmax(z) z of each distribution, (..., V) -> (...), in nats.

    z is `logits` over `temperature`, in fp32.
    """
    with torch.set_grad_enabled(learned and torch.is_grad_enabled()):
        return _by_chunks(_entropy, logits, temperature)


def _by_chunks(of: Callable[[Tensor], Tensor], logits: Tensor, temperature: float) -> Tensor:
    """`of` of each distribution, (..., V) -> (...).

    What a chunk needs in fp32 is not kept, but computed again where a gradient is asked for: kept,
    and with its gradients, it would be the most that a long step holds.
    """

    def chunk(part: Tensor) -> Tensor:
        return of(part.float() / temperature)

    parts = logits.flatten(0, -2).split(CHUNK)
    found = [
        checkpoint(chunk, part, use_reentrant=False, preserve_rng_state=False) for part in parts
    ]
    return torch.cat(found).view(logits.shape[:-1])


def _entropy(logits: Tensor) -> Tensor:
    return logits.logsumexp(-1) - (logits.softmax(-1) * logits).sum(-1)


def _normaliser(logits: Tensor) -> Tensor:
    return logits.logsumexp(-1)


def of_batch(
    model: Any,
    sequences: Tensor,
    chosen: Tensor,
    attended: Tensor,
    temperature: float = 1.0,
    entropy: Entropy = "",
) -> tuple[Tensor, Any]:
    """Log-probabilities of the chosen tokens of padded rows, each shared token computed once.

    Args:
        model: with the attention of `rl.prefix.attention.install`; may be wrapped by DeepSpeed.
        sequences: (B, T) token ids, padded on the right.
        chosen: (B, T-1) bool; at j it says whether token j + 1 is wanted.
        attended: (B, T), 0 for padding.
        temperature: logits are divided by it.
        entropy: whether the output gets `entropy`, (B, T-1): of the distribution that each chosen
            token was drawn from.

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
    logits, place, output = logits_after(model, tree, before)
    blank = torch.zeros(chosen.shape, dtype=torch.float32, device=logits.device)
    where = tuple(chosen.nonzero().T)
    if entropy:
        of_each = entropies(logits, entropy == "learned", temperature)
        output.entropy = blank.index_put(where, of_each[place])
    found = _chosen(logits, place, tree.ids[after], temperature)
    return blank.index_put(where, found), output


def unpadded(sequences: Tensor, attended: Tensor) -> list[list[int]]:
    """The rows of a batch (B, T) without the padding on the right, where `attended` (B, T) is 0."""
    lengths: list[int] = attended.sum(1).tolist()
    return [row[:length] for row, length in zip(sequences.tolist(), lengths, strict=True)]


def of_nodes(
    model: Any, tree: PrefixTree, before: Tensor, tokens: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Any]:
    """(K,) log-probability of `tokens` (K,) after the nodes `before` (K,), and the model's output.

    See `logits_after`.
    """
    logits, place, output = logits_after(model, tree, before)
    return _chosen(logits, place, tokens, temperature), output


def logits_after(model: Any, tree: PrefixTree, before: Tensor) -> tuple[Tensor, Tensor, Any]:
    """Logits (U, V) after the nodes `before` (K,), where among them each is (K,), and the output.

    They are computed once for each node that is named, however often it is.
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
    return output["logits"][0], place, output


def _chosen(logits: Tensor, place: Tensor, tokens: Tensor, temperature: float) -> Tensor:
    found = logits[place, tokens].float() / temperature
    return found - _by_chunks(_normaliser, logits, temperature)[place]

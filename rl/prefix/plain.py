"""Attention over a tree with what every torch has: each row's new nodes look at a copy of its path.

The form against which the others are held. Its copies grow with the rows, not with the tree.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rl.prefix.tree import PrefixTree


def plain_attention(
    query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, scale: float, window: int = 0
) -> Tensor:
    """Attention of each node over its ancestors and itself.

    Args:
        query: (1, H, N, D), nodes in the tree's order.
        key: (1, H or a divisor of it, N, D): each head serves as many of the query.
        value: as key.
        tree: of N nodes.
        scale: of the scores.
        window: of a sliding window, how many nodes are seen, itself included; 0: all.

    Returns:
        (1, H, N, D).
    """
    times = query.shape[1] // key.shape[1]
    key, value = (repeated(one, times) for one in (key, value))
    parts = []
    for row, start, end, shared in tree.blocks:
        if start == end:
            continue
        asking = query[:, :, start:end]
        if shared or window:
            path = tree.paths[row]
            seen, held = key.index_select(2, path), value.index_select(2, path)
            mask = _mask(end - start, len(path), window, query.device)
            part = F.scaled_dot_product_attention(asking, seen, held, attn_mask=mask, scale=scale)
        else:
            seen, held = key[:, :, start:end], value[:, :, start:end]
            part = F.scaled_dot_product_attention(asking, seen, held, is_causal=True, scale=scale)
        parts.append(part)
    return torch.cat(parts, 2)


def repeated(heads: Tensor, times: int) -> Tensor:
    """(1, H, N, D) as (1, H x `times`, N, D), each head so often in a row."""
    return heads if times == 1 else heads.repeat_interleave(times, 1)


def _mask(new: int, length: int, window: int, device: torch.device) -> Tensor:
    """(new, length) bool: the last `new` places of a row and what each may look at."""
    seen = torch.ones(new, length, dtype=torch.bool, device=device).tril(length - new)
    return seen.triu(length - new - window + 1) if window else seen

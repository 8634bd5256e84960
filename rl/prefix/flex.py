"""Attention over a tree on GPUs: FlexAttention with the ancestor mask.

What was seen of it on a GPU is in docs/gpu.md. On CPU it runs unfused, for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch import _dynamo as dynamo
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from rl.prefix.tree import PrefixTree

COMPILED = 64
"""Forms of one function, at most."""


def ancestors(tree: PrefixTree, window: int) -> Callable[..., Tensor]:
    """FlexAttention's mask: whether node k is an ancestor of node q, or q, and within `window`."""
    below, depth = tree.below, tree.depth

    def seen(_batch: Tensor, _head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        inside = (k <= q) & (q < below[k])
        return inside & (depth[q] - depth[k] < window) if window else inside

    return seen


def block_mask(tree: PrefixTree, window: int = 0) -> Any:
    """The mask by blocks, made once a tree and window; all layers use it."""
    known: dict[int, Any] = tree.__dict__.setdefault("masks", {})
    if window not in known:
        n, device = len(tree), tree.ids.device
        known[window] = create_block_mask(ancestors(tree, window), None, None, n, n, device=device)
    return known[window]


def flex(
    query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, scale: float, window: int = 0
) -> Tensor:
    """As `plain_attention`; keys and values may have fewer heads than queries."""
    attention = _compiled() if query.is_cuda else flex_attention
    mask, grouped = block_mask(tree, window), query.shape[1] != key.shape[1]
    out: Tensor = attention(query, key, value, block_mask=mask, scale=scale, enable_gqa=grouped)
    return out


@cache
def _compiled() -> Any:
    # Every tree has another size: without `dynamic` each would be compiled anew. With and without
    # gradients, windows and whole blocks there are more kinds than torch compiles of itself, and
    # beyond that it would say nothing and hold all scores at once.
    dynamo.config.recompile_limit = max(dynamo.config.recompile_limit, COMPILED)
    return torch.compile(flex_attention, dynamic=True)

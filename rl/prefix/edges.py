"""Attention over a tree without copies and without masks, on CPU.

Each edge is a causal block in itself, and all its descendants, which lie together, look at the
whole of it. The parts of a node's attention are merged by their log-sum-exp, and the backward pass
of each part takes the merged output and log-sum-exp: the identity of ring attention (arXiv
2310.01889), here over a tree. It calls torch's own flash kernel for CPUs, a private operator:
`proved` compares it with the plain form before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from rl.prefix.plain import plain_attention, repeated
from rl.prefix.tree import PrefixTree

CLOSE = 1e-5
"""Largest distance from the plain form, of values and gradients near 1."""


class _EdgeAttention(torch.autograd.Function):
    """See `edge_attention`."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, scale: float
    ) -> Tensor:
        out = torch.empty_like(query)
        total = query.new_empty(query.shape[:3], dtype=torch.float32)
        begun = 0  # nodes before it have a part already

        def take(first: int, last: int, part: Tensor, weight: Tensor) -> None:
            nonlocal begun
            fresh = max(first, min(begun, last))
            if fresh > first:
                _merge(out[:, :, first:fresh], total[:, :, first:fresh], part, weight)
            out[:, :, fresh:last] = part[:, :, fresh - first :]
            total[:, :, fresh:last] = weight[:, :, fresh - first :]
            begun = max(begun, last)

        times = query.shape[1] // key.shape[1]
        for start, end, below in tree.edges:
            seen, held = (repeated(one[:, :, start:end], times) for one in (key, value))
            take(start, end, *_flash(query[:, :, start:end], seen, held, True, scale))
            if below > end:
                take(end, below, *_flash(query[:, :, end:below], seen, held, False, scale))
        ctx.save_for_backward(query, key, value, out, total)
        ctx.tree, ctx.scale = tree, scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        query, key, value, out, total = ctx.saved_tensors
        given = gradients[0].contiguous()
        of_query, of_key, of_value = map(torch.zeros_like, (query, key, value))
        times = query.shape[1] // key.shape[1]

        def add(start: int, end: int, first: int, last: int, causal: bool) -> None:
            rows, columns = slice(first, last), slice(start, end)
            parts = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                given[:, :, rows],
                query[:, :, rows],
                repeated(key[:, :, columns], times),
                repeated(value[:, :, columns], times),
                out[:, :, rows],
                total[:, :, rows],
                0.0,
                causal,
                scale=ctx.scale,
            )
            of_query[:, :, rows] += parts[0]
            of_key[:, :, columns] += parts[1].unflatten(1, (-1, times)).sum(2)
            of_value[:, :, columns] += parts[2].unflatten(1, (-1, times)).sum(2)

        for start, end, below in ctx.tree.edges:
            add(start, end, start, end, True)
            if below > end:
                add(start, end, end, below, False)
        return of_query, of_key, of_value, None, None


def _merge(out: Tensor, total: Tensor, part: Tensor, weight: Tensor) -> None:
    """Two parts of the same nodes' attention into one, in place; as many nodes as `total` has."""
    count = total.shape[2]
    part, weight = part[:, :, :count], weight[:, :, :count]
    merged = torch.logaddexp(total, weight)
    out.mul_((total - merged).exp().unsqueeze(-1).to(out.dtype))
    out.addcmul_(part, (weight - merged).exp().unsqueeze(-1).to(out.dtype))
    total.copy_(merged)


def _flash(
    query: Tensor, key: Tensor, value: Tensor, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    out, total = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, causal, scale=scale
    )
    return out, total


def edge_attention(
    query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, scale: float
) -> Tensor:
    """As `plain_attention`, without a window; all on the CPU.

    Keys and values may have fewer heads than queries: they are repeated an edge at a time.
    """
    found: Tensor = _EdgeAttention.apply(query, key, value, tree, scale)  # type: ignore[no-untyped-call]
    return found


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


@cache
@torch.inference_mode(False)
@torch.enable_grad()
def proved(dtype: torch.dtype = torch.float32) -> str:
    """Compare with the plain form on a small tree; returns why not to use it, empty if none.

    The answer is kept, so the gradient counts also where the first who asks needs none. What is
    saved for it here is not saved for a checkpointed layer that asks.
    """
    rows = [[1, 2, 3, 4], [1, 2, 3, 5, 6], [1, 2, 7], [1, 2], [8, 9], [1, 2, 3, 5, 6]]
    tree = PrefixTree.of(rows)
    draw = torch.Generator().manual_seed(0)
    shape = (4, 1, 2, len(tree), 8)
    query, key, value, weight = torch.randn(shape, generator=draw).to(dtype).unbind(0)
    given = query, key[:, :1], value[:, :1]
    found = []
    forms: tuple[Callable[..., Tensor], ...] = plain_attention, edge_attention
    try:
        with torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is):
            for form in forms:
                inputs = [one.clone().requires_grad_() for one in given]
                out = form(*inputs, tree, 0.35)
                (out * weight).sum().backward()
                found.append([out.detach(), *(one.grad for one in inputs)])
    except (AttributeError, RuntimeError, TypeError) as error:
        return f"torch {torch.__version__}: {type(error).__name__}: {error}"
    bound = CLOSE if dtype == torch.float32 else 0.1
    for one, other in zip(*found, strict=True):
        distance = float((one - other).abs().max())
        if not distance <= bound:
            return f"torch {torch.__version__}: its result is {distance:.1e} from the plain form's"
    return ""

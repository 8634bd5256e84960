"""Each form of attention over a tree is attention with the mask of the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rl.prefix.attention import tree_attention
from rl.prefix.edges import edge_attention, proved
from rl.prefix.flex import flex
from rl.prefix.plain import plain_attention
from rl.prefix.tree import Ids, PrefixTree

SCALE = 0.4
ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=7), min_size=1, max_size=7)
"""Of two tokens only, so that much is shared."""


def masked(query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, window: int = 0) -> Tensor:
    """Attention by its formula, with a mask that is read from the paths alone."""
    seen = torch.zeros(len(tree), len(tree), dtype=torch.bool)
    for path in tree.paths:
        for place, node in enumerate(path):
            seen[node, path[max(0, place + 1 - window) if window else 0 : place + 1]] = True
    scores = (query @ key.transpose(2, 3) * SCALE).masked_fill(~seen, -torch.inf)
    return scores.softmax(-1) @ value


def drawn(tree: PrefixTree, heads: tuple[int, int, int] = (2, 2, 2)) -> list[Tensor]:
    """Queries, keys and values, and a weight for each number that comes out."""
    draw = torch.Generator().manual_seed(0)
    sizes = (*heads, heads[0])
    return [torch.randn(1, count, len(tree), 8, generator=draw) for count in sizes]


def learned(form: Callable[..., Tensor], tree: PrefixTree, *how: Any) -> list[Tensor]:
    """What comes out, and the gradients of queries, keys and values."""
    *inputs, weight = drawn(tree)
    for one in inputs:
        one.requires_grad_()
    out = form(*inputs, tree, *how)
    (out * weight).sum().backward()
    return [out.detach(), *(one.grad for one in inputs if one.grad is not None)]


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_edges_and_plain_are_the_formula(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    wanted = learned(masked, tree)
    for form in (edge_attention, plain_attention):
        for one, other in zip(learned(form, tree, SCALE), wanted, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(1, 8))
def test_a_window_is_the_formulas(rows: list[Ids], window: int) -> None:
    tree = PrefixTree.of(rows)
    wanted = learned(masked, tree, window)
    found = learned(plain_attention, tree, SCALE, window)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile:UserWarning")
@settings(max_examples=10, deadline=None)
@given(ROWS, st.integers(0, 8))
def test_flex_is_the_formula(rows: list[Ids], window: int) -> None:
    tree = PrefixTree.of(rows)
    query, key, value, _ = drawn(tree)
    found = flex(query, key, value, tree, SCALE, window)
    torch.testing.assert_close(found, masked(query, key, value, tree, window), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile:UserWarning")
@pytest.mark.parametrize("window", [0, 2])
def test_a_key_serves_several_queries(window: int) -> None:
    tree = PrefixTree.of([[0, 1, 1, 0], [0, 1, 0], [0, 1, 1, 1, 1]])
    query, key, value, _ = drawn(tree, (6, 2, 2))
    keys, values = (one.repeat_interleave(3, 1) for one in (key, value))
    wanted = masked(query, keys, values, tree, window)
    for form in (tree_attention, flex):
        found = form(query, key, value, tree, SCALE, window)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("quiet", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_who_asks_first_need_not_want_gradients(quiet: Any, dtype: torch.dtype) -> None:
    proved.cache_clear()
    with quiet():
        assert proved(dtype) == ""


def test_a_kernel_that_errs_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(*given: Any) -> Tensor:
        return edge_attention(*given) * 1.001

    monkeypatch.setattr("rl.prefix.edges.edge_attention", half)
    assert "from the plain form's" in proved.__wrapped__()


def test_a_kernel_that_is_gone_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*given: Any) -> Tensor:
        raise AttributeError("no such operator")

    monkeypatch.setattr("rl.prefix.edges._flash", gone)
    assert "AttributeError: no such operator" in proved.__wrapped__()

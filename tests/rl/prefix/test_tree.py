"""The prefix tree of some rows: its nodes are their distinct beginnings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from rl.prefix.tree import Edge, Ids, PrefixTree, common, size

ROW = st.lists(st.integers(0, 2), min_size=1, max_size=8)
ROWS = st.lists(ROW, min_size=1, max_size=9)

Test = Callable[..., None]
ODD = [
    [[5]],
    [[5], [5]],
    [[1, 2, 3]] * 3,
    [[1, 2, 3, 4], [1, 2], [1], [1, 2, 3]],
    [[1], [2], [3]],
    [[9, 9, 9], [9], [9, 9]],
]


def beginnings(rows: list[Ids]) -> set[tuple[int, ...]]:
    return {tuple(row[:end]) for row in rows for end in range(1, len(row) + 1)}


def names(tree: PrefixTree, rows: list[Ids]) -> dict[int, tuple[int, ...]]:
    """By node the beginning that it stands for; a node that stood for two would show."""
    found: dict[int, tuple[int, ...]] = {}
    for path, row in zip(tree.paths, rows, strict=True):
        for place, node in enumerate(path.tolist()):
            assert found.setdefault(node, tuple(row[: place + 1])) == tuple(row[: place + 1])
    return found


def with_odd(test: Test) -> Test:
    for rows in ODD:
        test = example(rows)(test)
    return test


@with_odd
@given(ROWS)
def test_a_path_spells_its_row(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    for path, row in zip(tree.paths, rows, strict=True):
        assert tree.ids[path].tolist() == row
        assert tree.depth[path].tolist() == list(range(len(row)))
    assert tree.row_tokens == sum(map(len, rows))


@with_odd
@given(ROWS)
def test_nodes_are_the_distinct_beginnings(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    found = names(tree, rows)
    assert sorted(found) == list(range(len(tree)))
    assert set(found.values()) == beginnings(rows)
    assert len(tree) == len(beginnings(rows)) == size(rows)


@with_odd
@given(ROWS)
def test_below_is_where_descendants_end(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    name, below = names(tree, rows), tree.below.tolist()
    for q in range(len(tree)):
        for k in range(len(tree)):
            above = name[q][: len(name[k])] == name[k]
            assert (k <= q < below[k]) == above, (name[k], name[q])


@with_odd
@given(ROWS)
def test_edges_have_no_fork_and_cover_every_node(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    name = names(tree, rows)
    covered = [node for edge in tree.edges for node in range(edge.start, edge.end)]
    assert covered == list(range(len(tree)))
    for start, end, below in tree.edges:
        assert start < end <= below
        for node in range(start, end - 1):
            children = [n for n in name if name[n][:-1] == name[node]]
            assert children == [node + 1]


@with_odd
@given(ROWS)
def test_blocks_are_what_a_row_adds(rows: list[Ids]) -> None:
    tree = PrefixTree.of(rows)
    assert sorted(block.row for block in tree.blocks) == list(range(len(rows)))
    at = 0
    for row, start, end, shared in tree.blocks:
        assert start == at
        assert tree.paths[row][shared:].tolist() == list(range(start, end))
        at = end
    assert at == len(tree)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_only_the_order_of_paths(rows: list[Ids], chance) -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    one, other = PrefixTree.of(rows), PrefixTree.of([rows[number] for number in order])
    assert torch.equal(one.ids, other.ids) and torch.equal(one.depth, other.depth)
    assert one.edges == other.edges
    for place, number in enumerate(order):
        assert torch.equal(other.paths[place], one.paths[number])


@given(ROW, ROW)
def test_common_counts_the_tokens_alike(one: Ids, other: Ids) -> None:
    found = common(one, other)
    assert one[:found] == other[:found]
    assert found == min(len(one), len(other)) or one[found] != other[found]


def test_a_tree_by_hand() -> None:
    rows = [[1, 2, 3], [1, 2, 4, 5], [1, 2], [6]]
    tree = PrefixTree.of(rows)
    assert tree.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert tree.depth.tolist() == [0, 1, 2, 2, 3, 0]
    assert [path.tolist() for path in tree.paths] == [[0, 1, 2], [0, 1, 3, 4], [0, 1], [5]]
    assert tree.edges == (Edge(0, 2, 5), Edge(2, 3, 3), Edge(3, 5, 5), Edge(5, 6, 6))
    assert tree.below.tolist() == [5, 5, 3, 5, 5, 6]


def test_no_row_at_all_has_no_tree() -> None:
    assert size([]) == 0
    with pytest.raises(IndexError):
        PrefixTree.of([])

"""The prefix tree of some rows of token ids, in depth-first order.

Rows are sorted; of each the tokens beyond what it has in common with the row before are new nodes.
So the nodes of a row's own end lie together, and so do all descendants of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

Ids = list[int]
"""Token ids of a row."""


class Block(NamedTuple):
    """The new nodes of a row: `start` to `end`, below `shared` nodes of its path."""

    row: int
    start: int
    end: int
    shared: int


class Edge(NamedTuple):
    """Nodes `start` to `end`, of which each but the last has one child; then all descendants."""

    start: int
    end: int
    below: int
    """Where the descendants end; they begin at `end`."""


@dataclass(frozen=True)
class PrefixTree:
    """N nodes for the rows they were made of."""

    ids: Tensor
    """(N,) int64: the token of each node."""
    depth: Tensor
    """(N,) int64: its position in every row it belongs to."""
    paths: tuple[Tensor, ...]
    """By row the nodes of its tokens, (L,) int64."""
    blocks: tuple[Block, ...]
    """In depth-first order; rows that are a part of the one before have an empty block."""

    @classmethod
    def of(cls, rows: Sequence[Ids]) -> PrefixTree:
        """The tree of at least one row; none may be empty."""
        order = sorted(range(len(rows)), key=rows.__getitem__)
        paths: dict[int, np.ndarray] = {}
        blocks: list[Block] = []
        tokens, depths = [], []
        size, before = 0, order[0]
        for row in order:
            shared = common(rows[before], rows[row]) if blocks else 0
            new = len(rows[row]) - shared
            own = np.arange(size, size + new)
            paths[row] = np.concatenate([paths[before][:shared], own]) if blocks else own
            blocks.append(Block(row, size, size + new, shared))
            tokens.append(np.asarray(rows[row][shared:], dtype=np.int64))
            depths.append(np.arange(shared, shared + new))
            size, before = size + new, row
        return cls(
            torch.from_numpy(np.concatenate(tokens)),
            torch.from_numpy(np.concatenate(depths)),
            tuple(torch.from_numpy(paths[row]) for row in range(len(rows))),
            tuple(blocks),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def row_tokens(self) -> int:
        """Tokens of the rows, which padded rows would compute."""
        return sum(len(path) for path in self.paths)

    def to(self, device: torch.device | str) -> PrefixTree:
        """The same tree, its tensors on a device."""
        paths = tuple(path.to(device) for path in self.paths)
        return PrefixTree(self.ids.to(device), self.depth.to(device), paths, self.blocks)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The nodes without a fork between them, in depth-first order."""
        cuts = {len(self)}
        for block in self.blocks:
            cuts.add(block.start)
            if block.shared:
                cuts.add(int(self.paths[block.row][block.shared - 1]) + 1)
        bounds, depth = sorted(cuts), self.depth.tolist()
        below: list[int] = [len(self)] * (len(bounds) - 1)
        open_edges: list[int] = []
        for number, start in enumerate(bounds[:-1]):
            while open_edges and depth[bounds[open_edges[-1] + 1] - 1] >= depth[start]:
                below[open_edges.pop()] = start
            open_edges.append(number)
        return tuple(map(Edge, bounds[:-1], bounds[1:], below))

    @cached_property
    def below(self) -> Tensor:
        """(N,) int64: where the descendants of each node end.

        Node k is an ancestor of node q, or q itself, exactly if `k <= q < below[k]`.
        """
        ends = [(edge.below, edge.end - edge.start) for edge in self.edges]
        return torch.cat([torch.full((size,), end) for end, size in ends]).to(self.ids.device)


def common(one: Ids, other: Ids) -> int:
    """How many tokens two rows begin with alike."""
    shortest = min(len(one), len(other))
    same = np.asarray(one[:shortest]) == np.asarray(other[:shortest])
    return shortest if same.all() else int(same.argmin())


def size(rows: Iterable[Ids]) -> int:
    """Nodes of the tree of some rows."""
    total = 0
    before: Ids = []
    for row in sorted(rows):
        total += len(row) - common(before, row)
        before = row
    return total

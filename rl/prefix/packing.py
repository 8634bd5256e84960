"""Which rows go together: optimizer windows, each of micro-batches, for every rank of the policy.

A window is one optimizer step. Its micro-batches are whole groups, for runs of one question share
most, as many as keep within a number of tree tokens. A group that is larger is cut between its
trajectories, and a trajectory between its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from rl.prefix.tree import Ids, common


@dataclass(frozen=True)
class Row:
    """A row of the update: the tokens, and the numbers of its trajectory and its group."""

    ids: Ids
    trajectory: int
    group: int


Numbers = list[int]
"""Rows by their place in the step."""

Window = list[list[Numbers]]
"""Micro-batches by rank; of every rank as many, the last ones empty where there is less to do."""


def windows(rows: Sequence[Row], size: int, ranks: int, tokens: int) -> list[Window]:
    """The windows of a step, in the order of its groups.

    Args:
        rows: those of a group stand together, and so do those of a trajectory.
        size: rows of one window, about: groups stay whole.
        ranks: data-parallel processes of the policy.
        tokens: tree tokens of one micro-batch, at most; a single row may have more.
    """
    groups = [list(numbers) for _, numbers in groupby(range(len(rows)), lambda i: rows[i].group)]
    return [
        _filled([_micro_batches(rows, share, tokens) for share in _shares(rows, some, ranks)])
        for some in _parts(groups, ceil(len(rows) / size))
    ]


def in_order(rows: int, size: int, ranks: int, micro: int) -> list[Window]:
    """The windows of rows that share nothing: `size` rows each, in micro-batches of `micro`."""
    found = []
    for start in range(0, rows, size):
        numbers = list(range(start, min(start + size, rows)))
        shares = [numbers[rank::ranks] for rank in range(ranks)]
        found.append(_filled([_chunks(share, micro) for share in shares]))
    return found


def in_budget(
    lengths: Sequence[int], size: int, ranks: int, tokens: int, flat: bool
) -> list[Window]:
    """The windows of rows that share nothing: `size` rows each, in micro-batches of `tokens`.

    Args:
        lengths: tokens of each row.
        size: rows of one window.
        ranks: data-parallel processes of the policy.
        tokens: of one micro-batch, at most, padding included; a single row may have more.
        flat: rows stand behind one another; if not, all are padded to the longest of a micro-batch.
    """
    found = []
    for start in range(0, len(lengths), size):
        numbers = range(start, min(start + size, len(lengths)))
        ordered = sorted(numbers, key=lambda i: -lengths[i])
        shares = [ordered[rank::ranks] for rank in range(ranks)]
        found.append(_filled([_fitted(lengths, share, tokens, flat) for share in shares]))
    return found


def _fitted(lengths: Sequence[int], numbers: Numbers, tokens: int, flat: bool) -> list[Numbers]:
    """Each row into the first micro-batch that has room for it; the longest come first."""
    batches: list[Numbers] = []
    used: list[int] = []
    for number in numbers:
        # The first row of a micro-batch is its longest: what the others are padded to.
        costs = [lengths[number if flat else batch[0]] for batch in batches]
        fits = [n for n, cost in enumerate(costs) if used[n] + cost <= tokens]
        if fits:
            batches[fits[0]].append(number)
            used[fits[0]] += costs[fits[0]]
        else:
            batches.append([number])
            used.append(lengths[number])
    return batches


def _chunks(numbers: Numbers, size: int) -> list[Numbers]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _parts(groups: Sequence[Numbers], count: int) -> list[list[Numbers]]:
    """Whole groups in at most `count` parts of about as many rows."""
    total = sum(map(len, groups))
    parts: list[list[Numbers]] = [[] for _ in range(count)]
    before = 0
    for group in groups:
        middle = before + len(group) / 2
        parts[min(int(middle * count / total), count - 1)].append(group)
        before += len(group)
    return [part for part in parts if part]


def _shares(rows: Sequence[Row], groups: Sequence[Numbers], ranks: int) -> list[list[Numbers]]:
    """The groups of a window by rank: the largest first, each to who has least to do.

    Where there are fewer groups than ranks, trajectories are dealt out instead.
    """
    if len(groups) < ranks:
        groups = [part for group in groups for part in _trajectories(rows, group)]
    shares: list[list[Numbers]] = [[] for _ in range(ranks)]
    loads = [0] * ranks
    costs = [(_cost(rows, group), group) for group in groups]
    for cost, group in sorted(costs, key=lambda pair: -pair[0]):
        rank = loads.index(min(loads))
        shares[rank].append(group)
        loads[rank] += cost
    return shares


def _micro_batches(rows: Sequence[Row], groups: Iterable[Numbers], tokens: int) -> list[Numbers]:
    """Pieces of `groups` in the order of their tokens, as many together as `tokens` allow."""
    batches: list[Numbers] = []
    left = 0
    ordered = sorted((_sorted(rows, group) for group in groups), key=lambda g: rows[g[0]].ids)
    for piece in (piece for group in ordered for piece in _pieces(rows, group, tokens)):
        cost = _cost(rows, piece)
        saved = common(rows[batches[-1][-1]].ids, rows[piece[0]].ids) if batches else 0
        if batches and cost - saved <= left:
            batches[-1] += piece
            left -= cost - saved
        else:
            batches.append(list(piece))
            left = tokens - cost
    return batches


def _pieces(rows: Sequence[Row], group: Numbers, tokens: int) -> Iterator[Numbers]:
    """A group whole if it fits, else its trajectories, else their rows."""
    if _cost(rows, group) <= tokens:
        yield group
        return
    for part in _trajectories(rows, group):
        if _cost(rows, part) <= tokens:
            yield part
        else:
            yield from ([number] for number in part)


def _trajectories(rows: Sequence[Row], group: Numbers) -> list[Numbers]:
    ordered = sorted(group, key=lambda i: rows[i].trajectory)
    return [_sorted(rows, list(part)) for _, part in groupby(ordered, lambda i: rows[i].trajectory)]


def _sorted(rows: Sequence[Row], numbers: Numbers) -> Numbers:
    return sorted(numbers, key=lambda i: rows[i].ids)


def _cost(rows: Sequence[Row], numbers: Numbers) -> int:
    """Nodes of the tree of these rows."""
    ordered = _sorted(rows, numbers)
    ids = [rows[i].ids for i in ordered]
    return sum(map(len, ids)) - sum(map(common, ids, ids[1:]))


def _filled(shares: list[list[Numbers]]) -> Window:
    most = max(map(len, shares))
    return [share + [[] for _ in range(most - len(share))] for share in shares]

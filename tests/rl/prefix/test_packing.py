"""Windows and micro-batches: each row once, whole groups where they fit, as many for every rank."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from math import ceil
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rl.prefix.packing import Numbers, Row, Window, in_budget, in_order, windows
from rl.prefix.tree import size


class Step(NamedTuple):
    """What `windows` is given."""

    rows: list[Row]
    size: int
    ranks: int
    tokens: int

    @property
    def plan(self) -> list[Window]:
        return windows(*self)

    def nodes(self, numbers: Numbers) -> int:
        return size(self.rows[number].ids for number in numbers)

    def parts(self, kind: str) -> list[Numbers]:
        """Rows by group or by trajectory."""
        found: dict[int, Numbers] = {}
        for number, row in enumerate(self.rows):
            found.setdefault(getattr(row, kind), []).append(number)
        return list(found.values())


@st.composite
def steps(draw: Callable[..., Any]) -> Step:
    """Rows of few tokens, so that also groups share some, in trajectories and groups."""
    ids = st.lists(st.integers(0, 2), min_size=1, max_size=8)
    rows: list[Row] = []
    run = 0
    for group in range(draw(st.integers(1, 6))):
        for _ in range(draw(st.integers(1, 4))):
            rows += [Row(draw(ids), run, group) for _ in range(draw(st.integers(1, 4)))]
            run += 1
    numbers = [draw(st.integers(1, most)) for most in (20, 4, 30)]
    return Step(rows, *numbers)


def batches(plan: list[Window]) -> list[Numbers]:
    return [batch for window in plan for share in window for batch in share if batch]


def each_window(plan: list[Window]) -> list[Numbers]:
    return [[*chain(*chain(*window))] for window in plan]


@given(steps())
def test_every_row_is_there_once(step: Step) -> None:
    assert sorted(chain(*batches(step.plan))) == list(range(len(step.rows)))


@given(steps())
def test_every_rank_has_as_many_micro_batches(step: Step) -> None:
    for window in step.plan:
        assert len(window) == step.ranks
        assert len({len(share) for share in window}) == 1
        assert any(share[-1] for share in window), "a micro-batch of blanks for all"


@given(steps())
def test_no_micro_batch_is_too_large_but_a_row(step: Step) -> None:
    for batch in batches(step.plan):
        assert len(batch) == 1 or step.nodes(batch) <= step.tokens


@given(steps())
def test_groups_stay_in_a_window_and_where_they_fit_in_a_micro_batch(step: Step) -> None:
    step_batches, step_windows = map(sets, (batches(step.plan), each_window(step.plan)))
    for group in step.parts("group"):
        assert any(set(group) <= window for window in step_windows)
        crowded = all(len(groups_in(step, window)) >= step.ranks for window in step_windows)
        if crowded and step.nodes(group) <= step.tokens:
            assert any(set(group) <= batch for batch in step_batches)


@given(steps())
def test_trajectories_stay_whole_where_they_fit(step: Step) -> None:
    step_batches = sets(batches(step.plan))
    for run in step.parts("trajectory"):
        if step.nodes(run) <= step.tokens:
            assert any(set(run) <= batch for batch in step_batches)


@given(steps())
def test_windows_are_in_the_order_of_groups_and_about_as_large(step: Step) -> None:
    found = each_window(step.plan)
    assert len(found) <= ceil(len(step.rows) / step.size)
    order = [groups_in(step, set(window)) for window in found]
    assert all(max(one) < min(other) for one, other in zip(order, order[1:], strict=False))
    largest = max(map(len, step.parts("group")))
    share = len(step.rows) / ceil(len(step.rows) / step.size)
    assert all(abs(len(window) - share) <= largest for window in found)


@given(steps())
def test_equal_steps_have_equal_plans(step: Step) -> None:
    assert step.plan == step.plan


@given(steps())
def test_where_all_groups_fit_a_window_is_one_micro_batch(step: Step) -> None:
    room = sum(map(step.nodes, step.parts("group")))
    plan = windows(step.rows, len(step.rows), 1, room)
    assert [len(share) for window in plan for share in window] == [1]


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 4), st.integers(1, 9))
def test_rows_that_share_nothing_stay_in_order(rows: int, size: int, ranks: int, micro: int):
    plan = in_order(rows, size, ranks, micro)
    assert plan == in_order(rows, size, ranks, micro)
    assert [sorted(window) for window in each_window(plan)] == [
        list(range(start, min(start + size, rows))) for start in range(0, rows, size)
    ]
    for window in plan:
        assert len({len(share) for share in window}) == 1 and len(window) == ranks
        counts = [sum(map(len, share)) for share in window]
        assert max(counts) - min(counts) <= 1
    assert all(len(batch) <= micro for batch in batches(plan))


def sets(numbers: list[Numbers]) -> list[set[int]]:
    return list(map(set, numbers))


def groups_in(step: Step, numbers: set[int]) -> set[int]:
    return {step.rows[number].group for number in numbers}


def test_a_step_by_hand() -> None:
    """Two questions in two runs each; the budget holds one question, not both."""
    rows = [
        Row([1, 2, 3], 0, 0),
        Row([1, 2, 3, 4], 0, 0),
        Row([1, 2, 5], 1, 0),
        Row([1, 7, 8], 2, 1),
        Row([1, 7, 9], 3, 1),
    ]
    assert windows(rows, 5, 1, 5) == [[[[0, 1, 2], [3, 4]]]]
    assert windows(rows, 5, 1, 8) == [[[[0, 1, 2, 3, 4]]]]
    assert windows(rows, 3, 1, 5) == [[[[0, 1, 2]]], [[[3, 4]]]]
    assert windows(rows, 5, 2, 5) == [[[[0, 1, 2]], [[3, 4]]]]
    assert windows(rows, 5, 1, 3) == [[[[0], [1], [2], [3], [4]]]]
    assert windows(rows, 5, 1, 4) == [[[[0, 1], [2], [3, 4]]]]
    assert in_order(5, 4, 2, 1) == [[[[0], [2]], [[1], [3]]], [[[4]], [[]]]]


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(1, 4),
    st.integers(1, 60),
    st.booleans(),
)
def test_rows_that_share_nothing_keep_within_a_budget(
    lengths: list[int], size: int, ranks: int, tokens: int, flat: bool
) -> None:
    plan = in_budget(lengths, size, ranks, tokens, flat)
    assert [sorted(numbers) for numbers in each_window(plan)] == [
        list(range(len(lengths)))[start : start + size] for start in range(0, len(lengths), size)
    ]
    for window in plan:
        assert len(window) == ranks
        assert len({len(share) for share in window}) == 1
    for batch in batches(plan):
        own = [lengths[number] for number in batch]
        taken = sum(own) if flat else max(own) * len(own)
        assert taken <= tokens or len(own) == 1


def test_a_budget_fills_micro_batches() -> None:
    plan = in_budget([2, 6, 4, 2, 4, 6], 6, 1, 12, flat=True)
    assert plan == [[[[1, 5], [2, 4, 0, 3]]]], "24 tokens fit twice 12"
    plan = in_budget([2, 6, 4, 2, 4, 6], 6, 1, 12, flat=False)
    assert plan == [[[[1, 5], [2, 4, 0], [3]]]], "a row beside one of 4 takes 4"

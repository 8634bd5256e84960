"""What a run's results say: what is missing counts as wrong, and no order matters."""

from math import isclose, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import result, session

from benchmarks.report.numbers.result import Result
from benchmarks.report.numbers.summary import Summary, summarise


def summary(results: list[Result], items: int, trials: int = 1) -> Summary:
    return summarise(session(results, items, trials))["bamboogle"]


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Result], int, int]:
    """Results of some of the trials, how many items there are, and how many trials of each."""
    items, trials = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    cells = [(f"q{item}", trial) for item in range(items) for trial in range(1, trials + 1)]
    held = draw(st.lists(st.sampled_from(cells), unique=True))
    scores = st.sampled_from([1.0, 0.0, None])
    tools = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 3))
    return (
        [
            result(
                item,
                draw(scores),
                trial,
                level=f"level {item[-1] in '024'}",
                tools=draw(tools),
                cost=draw(st.sampled_from([None, 0.1, 0.7])),
                f1=draw(st.none() | st.floats(0, 1)),
                scored_by=draw(st.sampled_from(["rule", "judge"])),
            )
            for item, trial in held
        ],
        items,
        trials,
    )


@given(runs())
def test_what_is_missing_counts_as_wrong(run: tuple[list[Result], int, int]) -> None:
    results, items, trials = run
    found = summary(*run)
    right = sum(each.score == 1.0 for each in results)
    scored = sum(each.score is not None for each in results)
    assert isclose(found.accuracy.mean, right / (items * trials))
    assert found.missing == items * trials - scored == sum(found.reasons.values())
    assert found.accuracy.low <= found.accuracy.mean + 1e-12
    assert found.accuracy.high >= found.accuracy.mean - 1e-12


@given(runs())
def test_a_missing_trial_is_worth_as_much_as_a_wrong_one(
    run: tuple[list[Result], int, int],
) -> None:
    results, items, trials = run
    answered = {(each.item, each.trial): each.score for each in results}
    filled = [
        result(f"q{item}", answered.get((f"q{item}", trial)) or 0.0, trial)
        for item in range(items)
        for trial in range(1, trials + 1)
    ]
    assert summary(*run).accuracy == summary(filled, items, trials).accuracy


@given(runs(), st.randoms())
def test_the_order_of_results_does_not_matter(
    run: tuple[list[Result], int, int], random: Random
) -> None:
    results, items, trials = run
    shuffled = list(results)
    random.shuffle(shuffled)
    assert summary(results, items, trials) == summary(shuffled, items, trials)


@given(runs())
def test_trials_and_levels_add_up(run: tuple[list[Result], int, int]) -> None:
    results, items, trials = run
    found = summary(*run)
    assert len(found.accuracy.by_trial) == trials
    assert isclose(sum(found.accuracy.by_trial) / trials, found.accuracy.mean, abs_tol=1e-12)
    assert (found.accuracy.deviation is None) == (trials == 1)
    seen = {each.item for each in results}
    assert sum(level.items for level in found.levels.values()) == len(seen)
    right = sum(each.accuracy.mean * each.items for each in found.levels.values())
    assert isclose(right, found.accuracy.mean * items, abs_tol=1e-9)


@given(runs())
def test_shares_are_shares(run: tuple[list[Result], int, int]) -> None:
    found = summary(*run)
    for shares in (found.tools, found.stopped_by, found.rules):
        assert not shares or isclose(sum(shares.values()), 1)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert found.judged_right <= found.judged


def test_the_standard_error_counts_items_not_trials() -> None:
    one = [result("a", 1.0), result("b", 0.0), result("c", 1.0), result("d", 0.0)]
    again = [result(each.item, each.score, trial) for each in one for trial in (1, 2, 3)]
    once, thrice = summary(one, 4).accuracy, summary(again, 4, 3).accuracy
    assert once.standard_error is not None and isclose(once.standard_error, sqrt(1 / 3) / 2)
    assert thrice.standard_error == once.standard_error
    assert (thrice.low, thrice.high) == (once.low, once.high)


def test_the_interval_is_of_the_mean_itself() -> None:
    """28 of 45 trials of 15 items: 62.2 %, which is no whole number of items."""
    cells = [(f"q{n:02}", t) for n in range(15) for t in (1, 2, 3)]
    results = [result(item, float(n < 28), t) for n, (item, t) in enumerate(cells)]
    found = summary(results, 15, 3).accuracy
    assert (found.low, found.high) == pytest.approx((0.377, 0.818), abs=5e-4)


def test_mean_and_deviation_over_trials() -> None:
    scores = {1: (1.0, 1.0), 2: (1.0, 0.0), 3: (0.0, 0.0)}
    results = [
        result(i, score, t)
        for t, pair in scores.items()
        for i, score in zip("ab", pair, strict=True)
    ]
    accuracy = summary(results, 2, 3).accuracy
    assert accuracy.by_trial == (1.0, 0.5, 0.0)
    assert (accuracy.mean, accuracy.deviation) == (0.5, 0.5)


def test_reasons_are_the_errors_and_what_never_ran() -> None:
    results = [result("a", None, error="timeout"), result("b", None, error="timeout"), result("c")]
    assert summary(results, 5).reasons == {"not run": 2, "timeout": 2}


def test_effort_is_of_trials_with_a_score_and_money_of_all() -> None:
    results = [
        result("a", turns=1, seconds=1.0, tools={"x": 3}, tool_errors=1, cost=0.5),
        result("b", 0.0, turns=4, seconds=2.0, tools={"y": 1}, cost=0.25),
        result("c", None, error="broke off", seconds=99.0, tools={"z": 9}, cost=0.25),
        result("d", None, error="no server"),
    ]
    found = summary(results, 4)
    assert (found.effort.turns, found.effort.seconds) == (2.5, 1.5)
    assert (found.effort.cost, found.effort.cost_per_trial) == (1.0, 0.25)
    assert (found.effort.tool_calls, found.effort.tool_error_rate) == (2.0, 0.25)
    assert found.effort.one_turn_rate == 0.5
    assert found.tools == {"x": 0.75, "y": 0.25}


def test_one_unknown_price_makes_the_total_unknown() -> None:
    assert summary([result("a"), result("b", cost=None)], 2).effort.cost is None


def test_f1_counts_what_is_missing_as_nothing() -> None:
    results = [result("a", f1=1.0), result("b", 0.0, f1=0.5), result("c", None)]
    assert summary(results, 4).f1 == 0.375
    assert summary([result("a")], 1).f1 is None


def test_a_run_of_which_nothing_is_left_is_all_wrong() -> None:
    found = summary([], 10, 2)
    assert (found.accuracy.mean, found.missing, found.effort.turns) == (0.0, 20, None)
    assert found.accuracy.low == 0.0 < found.accuracy.high < 0.3


def test_a_trial_that_broke_off_has_the_level_of_its_item() -> None:
    results = [result("a", level="hard"), result("a", None, 2)]
    level = summary(results, 1, 2).levels["hard"]
    assert (level.items, level.missing, level.accuracy.mean) == (1, 1, 0.5)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([result("a"), result("a")], "two results of item 'a', trial 1"),
        ([result("a", trial=2)], "trial 2 of 1"),
        ([result("a"), result("b")], "2 items have results, but 1 were expected"),
    ],
)
def test_results_that_cannot_be_are_refused(results: list[Result], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        summary(results, 1)

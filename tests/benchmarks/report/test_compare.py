"""Two runs item by item: what was gained, what was lost, and what cannot be compared."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sessions import result, session

from agentflow_graph.errors import SettingError
from benchmarks.report.compare import text
from benchmarks.report.numbers.pairing import Change, Comparison, compare
from benchmarks.report.numbers.result import UNMARKED, Session


def run(scores: str, name: str = "run", task: str = "bamboogle") -> Session:
    """One trial of each item: 1 right, 0 wrong, - missing."""
    values = {"1": 1.0, "0": 0.0, "-": None}
    results = [result(f"q{n}", values[sign], task=task) for n, sign in enumerate(scores)]
    return session(results, {task: len(scores)}, name=name)


def trials(*items: str) -> Session:
    """Several trials of each item."""
    results = [
        result(f"q{n}", float(sign), at)
        for n, signs in enumerate(items)
        for at, sign in enumerate(signs, 1)
    ]
    return session(results, len(items), len(items[0]))


def items(changes: list[Change]) -> list[str]:
    return [each.item for each in changes]


def test_the_second_run_is_held_to_the_first() -> None:
    found = compare(run("0011-"), run("0110-", "flow"))
    (only,) = found.differences
    assert (only.first, only.second, only.test.difference) == (0.4, 0.4, 0.0)
    assert (items(found.won), items(found.lost)) == (["q1"], ["q3"])
    assert (only.test.better, only.test.worse, only.test.p) == (1, 1, 1.0)


def test_mcnemar_is_exact_where_both_runs_have_one_trial() -> None:
    (only,) = compare(run("0" * 8 + "11"), run("1" * 8 + "11")).differences
    assert (only.test.test, only.test.p) == ("mcnemar", 2 / 2**8)
    assert 0.3 < only.test.low < 0.8 < only.test.high <= 1.0


def test_more_trials_are_compared_by_sign_flips() -> None:
    (only,) = compare(trials("001", "000", "011"), trials("111", "110", "111")).differences
    assert only.test.test == "sign-flip exact"
    assert (only.first, only.second) == (pytest.approx(1 / 3), pytest.approx(8 / 9))
    assert only.test.p == pytest.approx(2 / 2**3)


def test_a_missing_trial_counts_as_wrong() -> None:
    assert items(compare(run("1-"), run("-1")).won) == ["q1"]


@settings(max_examples=20)  # each draws two bootstraps
@given(st.lists(st.sampled_from(["11", "10", "01", "00", "-1", "1-", "--"]), min_size=1))
def test_turning_the_runs_round_turns_the_result_round(pairs: list[str]) -> None:
    first, second = (run("".join(signs)) for signs in zip(*pairs, strict=True))
    (one,), (other,) = compare(first, second).differences, compare(second, first).differences
    there, back = one.test, other.test
    assert there.difference == -back.difference
    assert (there.better, there.worse, there.p) == (back.worse, back.better, back.p)
    assert 0.0 <= there.p <= 1.0
    assert -1.0 <= there.low <= there.high <= 1.0


def test_items_that_one_run_lacks_are_left_out_and_counted() -> None:
    found = compare(run("1111", "long"), run("11", "short"))
    assert (found.differences[0].items, found.only_first, found.only_second) == (2, 2, 0)
    assert "warning: left out 2 items asked by 'long' alone" in text(found)


def test_an_item_whose_right_answers_changed_is_no_longer_the_same() -> None:
    other = session([result("q0", golds=("else",)), result("q1")], 2)
    found = compare(run("11"), other)
    assert (found.differences[0].items, found.other_golds) == (1, 1)
    assert "left out 1 item with another question or other right answers" in text(found)


def test_what_differs_names_the_default_and_stands_line_by_line() -> None:
    first, second = run("1", "base"), run("0", "other")
    second = replace(second, settings={"planner": "openai:x", "max_turns": 7})
    shown = text(compare(first, second))
    assert "differs: max_turns: 5 and 7\ndiffers: planner: nano (the default) and openai:x" in shown
    assert "Lost by other" in shown and "1 item." in shown


def test_a_plain_call_that_thinks_is_not_one_that_does_not() -> None:
    first, second = (replace(run("1", how), baseline=how) for how in ("direct", "cot"))
    assert compare(first, second).differs == ["baseline: direct and cot"]
    assert compare(run("1"), second).differs == ["baseline: none and cot"]


def test_an_answer_without_a_mark_is_not_compared() -> None:
    """It would count as wrong, and a test of that would say something of the scoring alone."""
    open_one = result("q0", None, error=UNMARKED)
    other = session([open_one, result("q1")], 2, name="half", scoring=2, folder="runs/half")
    with pytest.raises(SettingError, match=r"'half' has 1 answer .*score runs/half --scoring 2"):
        compare(run("11"), other)
    assert compare(run("-1"), run("11")).differences[0].first == 0.5, "what failed is wrong"
    apart = session([open_one, result("q1")], 2)
    assert compare(session([result("q1")], 1), apart).only_second == 1, "it is not shared"


def test_runs_of_one_name_are_told_by_their_folders() -> None:
    first, second = (replace(run("10", "oB"), folder=f"{where}/oB") for where in "xy")
    shown = text(compare(first, second))
    assert "First: x/oB. Second: y/oB." in shown
    assert "First: base. Second: flow." in text(compare(run("01", "base"), run("10", "flow")))


def test_runs_without_a_common_item_are_refused() -> None:
    with pytest.raises(SettingError, match=r"no item in common: .*bamboogle \(full\).*2wiki"):
        compare(run("1"), run("1", task="2wiki"))


def test_several_tasks_are_compared_each_and_together() -> None:
    first = session([result("a"), result("a", 0.0, task="2wiki")], {"bamboogle": 1, "2wiki": 1})
    second = session([result("a"), result("a", task="2wiki")], {"bamboogle": 1, "2wiki": 1})
    found = compare(first, second)
    assert [each.task for each in found.differences] == ["2wiki", "bamboogle", "all tasks"]
    assert [each.test.difference for each in found.differences] == [1.0, 0.0, 0.5]


def test_the_text_lists_what_changed_with_both_answers(found: Comparison) -> None:
    shown = text(found)
    assert "Won by flow" in shown and "Lost by flow" in shown
    assert "bamboogle q0 0.0 % → 100.0 % gold other gold" in " ".join(shown.split())
    assert "+0.0" in shown and "1 : 1" in shown


@pytest.fixture
def found() -> Comparison:
    return compare(run("01", "base"), run("10", "flow"))


def test_a_long_list_is_cut_in_the_text_alone() -> None:
    found = compare(run("0" * 50), run("1" * 50))
    assert "30 of 50 items." in text(found)
    assert len(found.won) == 50

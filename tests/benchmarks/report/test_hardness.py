"""Figures by difficulty: hops, calls, abstention and clean twins, from made-up results."""

from __future__ import annotations

from typing import Any

import pytest
from sessions import result

from benchmarks.report.numbers.hardness import Abstention, Robustness, hardness
from benchmarks.report.numbers.result import Result, natural


def trial(item: str, score: float | None, level: str = "H1", **changed: Any) -> Result:
    usual: dict[str, Any] = {"task": "almanac-hard", "level": level, "hops": 2, "least_calls": 3}
    return result(item, score, **usual | changed)


def test_items_that_know_nothing_have_no_figures() -> None:
    assert hardness([result("a"), result("b", 0.0)]) is None


def test_hops_calls_and_levels_in_their_natural_order() -> None:
    found = hardness(
        [
            trial("a", 1.0, "H10", hops=4, least_calls=5, tools={"python_coder": 1, "x": 9}),
            trial("b", 1.0, "H2", tools={"x": 3}),
            trial("c", 0.0, "H2", tools={"x": 99}),
            trial("d", None, "H2"),
        ]
    )
    assert found is not None
    assert {hops: (each.right, each.of) for hops, each in found.hops.items()} == {
        2: (1, 3),
        4: (1, 1),
    }
    assert [(level, each.over) for level, each in found.calls.items()] == [("H2", 1.0), ("H10", 2)]
    assert sorted(["two_hops", "H10", "H8 clean", "H8", "arithmetic"], key=natural) == [
        "H8",
        "H8 clean",
        "H10",
        "arithmetic",
        "two_hops",
    ]


def test_trials_of_an_item_are_no_further_items() -> None:
    once = hardness([trial(f"q{n}", float(n < 6)) for n in range(10)])
    often = hardness([trial(f"q{n}", float(n < 6), trial=t) for n in range(10) for t in (1, 2, 3)])
    assert once is not None and often is not None
    assert (often.whole.right, often.whole.of, often.whole.items) == (18, 30, 10)
    assert (often.whole.low, often.whole.high) == pytest.approx((0.3127, 0.8318), abs=1e-4)
    assert often.hops[2].low == once.hops[2].low


def test_unknown_is_right_wrong_or_given_up_too_early() -> None:
    found = hardness(
        [
            trial("a", 1.0, golds=("unknown",), answer="unknown"),
            trial("b", 0.0, golds=("unknown",), answer="1431"),
            trial("c", None, golds=("unknown",)),
            trial("d", 0.0, answer="Unknown."),
            trial("e", 1.0),
        ]
    )
    assert found is not None
    assert found.abstention == Abstention(3, 1, 1, answerable=2, false_abstentions=1)


def test_a_twin_counts_beside_its_item_alone() -> None:
    results = []
    for number, (own, clean) in enumerate([(1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]):
        results += [trial(f"{number}", own, "H8")]
        results += [trial(f"{number}-clean", clean, "H8 clean", twin=f"{number}")]
    found = hardness(results)
    assert found is not None and (found.whole.right, found.whole.of) == (2, 4)
    assert found.robustness == {"H8": Robustness(4, right=2, clean=3, lost=2, gained=1)}

"""Statistics of scores, held against published tables, closed forms and brute force."""

import math
from itertools import combinations, product
from statistics import NormalDist, fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.report.numbers import statistics
from benchmarks.report.numbers.statistics import (
    Comparison,
    Estimate,
    bootstrap,
    clustered,
    mcnemar,
    over_trials,
    paired,
    pass_at,
    sign_flip,
    wilson,
)

scores = st.floats(0, 1, allow_subnormal=False)


def test_wilson_matches_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_wilson_holds_the_rate(successes: int, failures: int) -> None:
    n = successes + failures
    low, high = wilson(successes, n)
    assert 0.0 <= low <= high <= 1.0
    assert n == 0 or low <= successes / n + 1e-12
    assert n == 0 or successes / n <= high + 1e-12


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"successes={successes} of n={n}"):
        wilson(successes, n)


def test_clustered_over_three_items() -> None:
    # Item means 0.5, 1, 0: their standard error is sqrt(0.25 / 3).
    estimate = clustered([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert (estimate.mean, estimate.error) == (0.5, pytest.approx(math.sqrt(0.25 / 3)))
    low, high = estimate.interval or (0, 0)
    assert (low, high) == pytest.approx((-0.06580, 1.06580), abs=1e-4)


@given(st.lists(st.lists(scores, min_size=3, max_size=3), min_size=2, max_size=20))
def test_clustered_is_the_error_of_the_items_means(trials: list[list[float]]) -> None:
    means = [fmean(item) for item in trials]
    estimate = clustered(trials)
    assert estimate.mean == pytest.approx(fmean(means), abs=1e-12)
    assert estimate.error == pytest.approx(stdev(means) / math.sqrt(len(means)), abs=1e-9)


def test_trials_that_agree_add_nothing() -> None:
    once = clustered([[1.0], [0.0], [1.0], [1.0]])
    often = clustered([[1.0] * 8, [0.0] * 8, [1.0] * 8, [1.0] * 8])
    assert often.error == pytest.approx(once.error)


def test_one_item_has_no_error() -> None:
    assert clustered([[1.0, 0.0]]) == Estimate(0.5, None)
    assert clustered([[1.0]]).interval is None


@pytest.mark.parametrize("trials", [[], [[]], [[1.0], []]])
def test_clustered_needs_scores(trials: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        clustered(trials)


def test_over_trials() -> None:
    estimate = over_trials([[1.0, 0.0], [1.0, 1.0]])
    assert (estimate.mean, estimate.error) == (0.75, pytest.approx(stdev([1.0, 0.5])))
    assert over_trials([[1.0], [0.0]]) == Estimate(0.5, None)
    uneven: list[list[list[float]]] = [[], [[]], [[1.0], [1.0, 0.0]]]
    for trials in uneven:
        with pytest.raises(ValueError, match="as many trials"):
            over_trials(trials)


def test_mcnemar_matches_the_binomial() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 / 32)
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(3000, 3000) == 1.0
    assert 0.0 < mcnemar(300, 420) < 1e-4
    with pytest.raises(ValueError, match="none below 0"):
        mcnemar(-1, 3)


@given(st.integers(0, 6), st.integers(0, 6))
@settings(deadline=None)
def test_mcnemar_is_the_share_of_coins_as_uneven(a: int, b: int) -> None:
    coins = list(product((0, 1), repeat=a + b))
    uneven = [abs(2 * sum(c) - a - b) >= abs(a - b) for c in coins]
    assert mcnemar(a, b) == pytest.approx(sum(uneven) / len(coins))
    assert mcnemar(a, b) == mcnemar(b, a)


@given(st.lists(st.integers(-4, 4), max_size=8))
def test_sign_flip_is_the_share_of_all_flips(quarters: list[int]) -> None:
    flips = product((-1, 1), repeat=len(quarters))
    sums = [abs(sum(s * q for s, q in zip(f, quarters, strict=True))) for f in flips]
    share = sum(each >= abs(sum(quarters)) for each in sums) / len(sums)
    p, test = sign_flip([q / 4 for q in quarters])
    assert (p, test) == (pytest.approx(share), "sign-flip exact")


@given(st.integers(0, 8), st.integers(0, 3))
@settings(deadline=None)
def test_sign_flip_of_one_size_is_mcnemar(better: int, worse: int) -> None:
    p, _ = sign_flip([1.0] * better + [-1.0] * worse + [0.0] * 3)
    assert p == pytest.approx(mcnemar(worse, better))


def test_a_sample_of_flips_is_near_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = [0.5] * 10 + [-0.25] * 6
    exact, _ = sign_flip(differences)
    monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
    sampled, test = sign_flip(differences, seed=1)
    error = math.sqrt(exact * (1 - exact) / statistics.SAMPLES)
    assert test == "sign-flip sampled"
    assert abs(sampled - exact) < 5 * error
    assert sign_flip(differences, seed=1) == (sampled, test)
    assert sign_flip([1.0] * 40)[0] == pytest.approx(1 / (statistics.SAMPLES + 1))


def test_paired_chooses_its_test() -> None:
    one = paired([1, 1, 0, 0], [1, 0, 1, 1])
    assert (one.test, one.p, one.difference) == ("mcnemar", mcnemar(1, 2), 0.25)
    assert (one.better, one.worse, one.same) == (2, 1, 1)
    several = paired([[1, 0], [0, 0]], [[1, 1], [1, 1]])
    assert (several.test, several.p, several.difference) == ("sign-flip exact", 0.5, 0.75)
    # Trials that all agree are one trial no longer: items are still what was drawn.
    assert paired([[1, 1]], [[0, 0]]).difference == -1.0


@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_paired_turns_round_with_its_runs(pairs: list[tuple[float, float]]) -> None:
    there: Comparison = paired([a for a, _ in pairs], [b for _, b in pairs])
    back = paired([b for _, b in pairs], [a for a, _ in pairs])
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == pytest.approx(back.p)
    assert (there.better, there.worse) == (back.worse, back.better)
    assert there.low - 1e-9 <= there.high
    assert 0.0 < there.p <= 1.0


def test_paired_needs_the_same_items() -> None:
    for first, second in (([], []), ([1.0], [1.0, 0.0])):
        with pytest.raises(ValueError, match="give the same ones"):
            paired(first, second)


def test_bootstrap_is_near_to_the_normal_interval_for_many_values() -> None:
    values = [float(n % 10 < 7) for n in range(400)]
    margin = NormalDist().inv_cdf(0.975) * stdev(values) / math.sqrt(400)
    low, high = bootstrap(values)
    assert (low, high) == pytest.approx((0.7 - margin, 0.7 + margin), abs=0.006)
    assert bootstrap([0.5] * 5) == (0.5, 0.5)
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap([])


@pytest.mark.parametrize(
    ("n", "right", "k"), [(5, 2, 1), (5, 2, 3), (6, 0, 4), (4, 4, 2), (8, 3, 8)]
)
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_trial(
    n: int, right: int, k: int
) -> None:
    draws = list(combinations([True] * right + [False] * (n - right), k))
    assert pass_at(k, right, n) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize(("k", "right", "n"), [(0, 0, 1), (2, 0, 1), (1, 2, 1), (1, -1, 1)])
def test_pass_at_k_refuses_impossible_counts(k: int, right: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"k={k}, right={right}, n={n}"):
        pass_at(k, right, n)

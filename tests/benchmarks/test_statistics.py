"""Statistics of scores, held against published tables, closed forms and brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import wilson


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

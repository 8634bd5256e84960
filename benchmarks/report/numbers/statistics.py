"""What may be concluded from scores: intervals, standard errors and paired tests.

    trials = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]       # 3 items, 2 trials each
    clustered(trials)                                   # Estimate(mean=0.5, error=0.2887)
    paired([1, 1, 0], [0, 1, 0]).p                      # 1.0

Scores are 0..1. Items, not trials, are the sample: trials of one item agree more than trials of
different items, and counting them as independent makes errors too small. Pure functions.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from statistics import NormalDist, fmean, stdev
from typing import Literal

Test = Literal["mcnemar", "sign-flip exact", "sign-flip sampled"]

_MCNEMAR: Test = "mcnemar"
Z95 = NormalDist().inv_cdf(0.975)
EXACT_UP_TO = 16
"""Items that differ, up to which all 2^n sign flips are counted; beyond, a sample is drawn."""
SAMPLES = 20_000


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error; the error is None where one item or trial tells nothing."""

    mean: float
    error: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % by the normal approximation; None without an error."""
        if self.error is None:
            return None
        return self.mean - Z95 * self.error, self.mean + Z95 * self.error


@dataclass(frozen=True)
class Comparison:
    """Two runs over the same items. `difference` is the second's mean minus the first's."""

    difference: float
    low: float
    high: float
    """95 % interval of the difference: bootstrap over items."""
    p: float
    """Two-sided: how often chance alone differs as much, were both runs equally good."""
    test: Test
    better: int
    """Items on which the second has the higher mean."""
    worse: int
    same: int
    error: float | None = None
    """Standard error of the difference, over items; None for one item."""


def wilson(successes: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a success rate, as `(low, high)` within 0..1.

    Unlike the normal approximation it stays honest for few trials and for rates near 0 and 1
    (E. B. Wilson, JASA 22, 1927). Without trials nothing is known: `(0.0, 1.0)`.

    Args:
        successes: how many trials succeeded; of items with several trials the sum of their
            means, which need not be whole.
        n: how many trials there were.
        z: standard normal quantile; 1.96 gives 95 % confidence.

    Raises:
        ValueError: not 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes={successes} of n={n}: give 0 <= successes <= n")
    if n == 0:
        return 0.0, 1.0
    rate, spread = successes / n, z * z / n
    centre = rate + spread / 2
    margin = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    return max(0.0, (centre - margin) / (1 + spread)), min(1.0, (centre + margin) / (1 + spread))


def clustered(trials: Sequence[Sequence[float]]) -> Estimate:
    """Mean score and its standard error with the trials of one item as a cluster.

    The CR1 estimator: sqrt(G/(G-1) * sum_g (sum_t (x_gt - mean))^2) / N over G items and N trials
    in all (E. Miller, arXiv 2411.00640, section 2.2, with the small-sample factor). With as many
    trials for each item it is the standard error of the mean of the items' means.

    Args:
        trials: scores by item, then by trial; items may have different numbers of trials.

    Raises:
        ValueError: there is no item, or one without trials.
    """
    if not trials or not all(trials):
        raise ValueError("clustered() needs at least one item, and a score for each item")
    n, items = sum(map(len, trials)), len(trials)
    mean = math.fsum(x for item in trials for x in item) / n
    if items == 1:
        return Estimate(mean, None)
    squares = math.fsum(math.fsum(x - mean for x in item) ** 2 for item in trials)
    return Estimate(mean, math.sqrt(items / (items - 1) * squares) / n)


def over_trials(trials: Sequence[Sequence[float]]) -> Estimate:
    """Mean over trials of the accuracy of each, and the standard deviation between trials.

    The deviation (n-1) is how much one run of the whole benchmark differs from the next; it says
    nothing of how the items were chosen, for which there is `clustered`.

    Args:
        trials: scores by item, then by trial, with as many trials for each item.

    Raises:
        ValueError: there is no item, or the numbers of trials differ.
    """
    if not trials or not trials[0] or len({len(item) for item in trials}) > 1:
        raise ValueError("over_trials() needs items with as many trials each, and at least one")
    means = [fmean(column) for column in zip(*trials, strict=True)]
    return Estimate(fmean(means), stdev(means) if len(means) > 1 else None)


def pass_at(k: int, right: int, n: int) -> float:
    """Chance that at least one of `k` trials of an item is right, unbiased, from `n` trials.

    1 - C(n - right, k) / C(n, k) (M. Chen et al., arXiv 2107.03374, eq. 1).

    Raises:
        ValueError: not 1 <= k <= n, or not 0 <= right <= n.
    """
    if not (1 <= k <= n and 0 <= right <= n):
        raise ValueError(f"k={k}, right={right}, n={n}: give 1 <= k <= n and 0 <= right <= n")
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p of McNemar's test (Psychometrika 12, 1947): a sign test on what differs.

    Args:
        only_first: items that the first run alone has right.
        only_second: items that the second run alone has right.

    Raises:
        ValueError: a count is negative.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts {only_first} and {only_second}: give none below 0")
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))


def sign_flip(differences: Sequence[float], seed: int = 0) -> tuple[float, Test]:
    """Two-sided p that paired differences are as likely one way as the other; how it was found.

    The permutation test of R. A. Fisher (The Design of Experiments, 1935, section 21): each item's
    difference may as well have the other sign. All flips are counted where few items differ, else
    `SAMPLES` are drawn and the observed one is counted among them (B. Phipson and G. Smyth, SAGMB
    9, 2010), so that p is never 0.

    Args:
        differences: second minus first, by item.
        seed: of the sample.
    """
    moved = [abs(d) for d in differences if d]
    observed = abs(math.fsum(differences))
    least = observed - 1e-9 * max(1.0, math.fsum(moved))  # ties count, whatever the rounding
    if len(moved) <= EXACT_UP_TO:
        hits = sum(abs(_signed(moved, signs)) >= least for signs in _all_signs(len(moved)))
        return float(hits / 2 ** len(moved)), "sign-flip exact"
    draw = random.Random(seed)
    flips = (draw.choices((-1, 1), k=len(moved)) for _ in range(SAMPLES))
    hits = sum(abs(_signed(moved, signs)) >= least for signs in flips)
    return (hits + 1) / (SAMPLES + 1), "sign-flip sampled"


def paired(
    first: Sequence[float | Sequence[float]],
    second: Sequence[float | Sequence[float]],
    seed: int = 0,
) -> Comparison:
    """Compare two runs item by item.

    One trial of right or wrong each: McNemar's exact test. Otherwise: sign flips of the differences
    of the items' means.

    Args:
        first: scores by item; a number, or the numbers of several trials.
        second: the same items in the same order.
        seed: of the bootstrap and of sampled sign flips.

    Raises:
        ValueError: the runs have no items or different numbers of them.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} items: give the same ones, at least one")
    pairs = [(_mean(a), _mean(b)) for a, b in zip(first, second, strict=True)]
    differences = [b - a for a, b in pairs]
    better, worse = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    if all(score in (0.0, 1.0) for pair in pairs for score in pair):
        p, test = mcnemar(worse, better), _MCNEMAR
    else:
        p, test = sign_flip(differences, seed)
    low, high = bootstrap(differences, seed)
    same = len(pairs) - better - worse
    error = stdev(differences) / math.sqrt(len(pairs)) if len(pairs) > 1 else None
    return Comparison(fmean(differences), low, high, p, test, better, worse, same, error)


def bootstrap(values: Sequence[float], seed: int = 0, draws: int = 5_000) -> tuple[float, float]:
    """95 % percentile interval of the mean over items drawn with replacement (Efron, 1979).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("bootstrap() needs at least one value")
    draw = random.Random(seed)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(draws))
    return means[int(0.025 * draws)], means[int(0.975 * draws)]


def _mean(scores: float | Sequence[float]) -> float:
    return float(scores) if isinstance(scores, (int, float)) else fmean(scores)


def _all_signs(n: int) -> product[tuple[int, ...]]:
    return product((-1, 1), repeat=n)


def _signed(sizes: Sequence[float], signs: Sequence[int]) -> float:
    return math.fsum(size * sign for size, sign in zip(sizes, signs, strict=True))

"""What may be concluded from scores: intervals, errors and paired tests. Pure functions."""

from __future__ import annotations

import math


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a success rate, as `(low, high)` within 0..1.

    Unlike the normal approximation it stays honest for few trials and for rates near 0 and 1
    (E. B. Wilson, JASA 22, 1927). Without trials nothing is known: `(0.0, 1.0)`.

    Args:
        successes: how many trials succeeded.
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

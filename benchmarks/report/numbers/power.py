"""What a set of paired tests can show: p corrected for their number, and the least difference.

holm([0.01, 0.04, 0.03])        # [0.03, 0.06, 0.06]
detectable(0.05)                # 0.14: standard error 5 points, least difference 14
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of the test, and how often it is to find a difference that is there."""
DISCORDANT = 0.3
"""Share of the items on which two agents differ, where nothing is measured yet."""
_REACH = NormalDist().inv_cdf(1 - LEVEL / 2) + NormalDist().inv_cdf(POWER)


def holm(ps: Sequence[float]) -> list[float]:
    """P by p corrected for all of them (S. Holm, Scandinavian Journal of Statistics 6, 1979)."""
    found, least = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[place]))
        found[place] = least
    return found


def detectable(error: float | None) -> float | None:
    """The least difference that a test with this standard error finds in `POWER` of all cases.

    E. Miller, arXiv 2411.00640, section 5. None without an error, and where it is 0: items that all
    differ alike say nothing of how others would.
    """
    return _REACH * error if error else None


def expected(items: int, discordant: float = DISCORDANT) -> float:
    """The same before anything is measured, with one trial of `items` right-or-wrong items."""
    return _REACH * math.sqrt(discordant / items)

"""The outcome reward: 1.0 for a right answer, 0.0 for a wrong one, from the benchmarks' own rules.

No shaping: no bonus for format, length, turns or tools (arXiv 2510.05592, eq. 5).
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring import exact


def exact_match(golds: Sequence[str], answer: str) -> float:
    """1.0 if `answer` equals one of `golds` after normalisation, else 0.0."""
    return exact(golds, answer).value

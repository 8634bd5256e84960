"""How far two judges of the same answers agree, beyond what chance would give."""

from __future__ import annotations

from collections.abc import Sequence


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two raters (Educational and Psychological Measurement 20, 1960).

    None without pairs, or where both raters say one thing only.
    """
    if not pairs:
        return None
    same = sum(a == b for a, b in pairs) / len(pairs)
    first, second = (sum(each) / len(pairs) for each in zip(*pairs, strict=True))
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (same - chance) / (1 - chance)

"""How long a run will still take, from what its steps and evaluations took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

RECENT = 3
"""Steps that count: runs get shorter as a planner learns."""


def seconds_left(entries: Sequence[dict[str, Any]], steps: int, every: int) -> float | None:
    """Seconds until a run of `steps` steps is done; None before the second step.

    Args:
        entries: of `metrics.jsonl`.
        steps: of the whole run.
        every: steps between evaluations; there is one more at the end.
    """
    walls: list[tuple[int, float]] = []
    measured = 0.0  # seconds of evaluations so far
    for entry in entries:
        if entry["kind"] == "evaluation":
            measured += entry["seconds"]
        elif entry["kind"] == "step":
            walls.append((entry["step"], entry["wall"] - measured))
    if len(walls) < 2:
        return None
    recent = walls[-RECENT - 1 :]
    pace = (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])
    done = walls[-1][0]
    return pace * (steps - done) + _evaluations(entries, done, steps, every)


def _evaluations(entries: Sequence[dict[str, Any]], done: int, steps: int, every: int) -> float:
    """Of the evaluations to come: each as long as those before, the last ones as those at first."""
    sampled: dict[int, float] = defaultdict(float)  # by step, of all sets
    first = 0.0
    for entry in entries:
        if entry["kind"] == "evaluation":
            first += entry["seconds"] * (not entry["step"])
            sampled[entry["step"]] += entry["seconds"] * bool(entry["temperature"])
    between = len([s for s in range(done, steps) if s and s % every == 0])
    return first + (between * fmean(sampled.values()) if sampled else 0.0)


def told(seconds: float | None) -> str:
    """For a line on the terminal; empty where nothing is known."""
    if seconds is None:
        return ""
    return f"  {seconds / 60:.0f} min left" if seconds >= 90 else f"  {seconds:.0f} s left"

"""The time that a run still takes is told from its own pace."""

from __future__ import annotations

from typing import Any

import pytest

from rl.run.left import seconds_left, told


def step(number: int, wall: float) -> dict[str, Any]:
    return {"kind": "step", "step": number, "wall": wall}


def measured(number: int, wall: float, seconds: float, temperature: float = 0.7) -> dict[str, Any]:
    known = {"kind": "evaluation", "step": number, "wall": wall}
    return known | {"seconds": seconds, "temperature": temperature}


def test_the_recent_pace_counts_and_evaluations_do_not_count_as_steps() -> None:
    entries = [measured(0, 70, 50), step(1, 170), step(2, 230), step(3, 290), step(4, 350)]
    entries += [measured(4, 390, 40), step(5, 420)]
    # Steps 2 to 5 took 60, 60 and 30 s; five are left, then an evaluation like the first.
    assert seconds_left(entries, 10, every=100) == pytest.approx(5 * 50 + 50)
    # Every second step is measured: after steps 6 and 8, each as long as those before in the mean.
    assert seconds_left(entries, 10, every=2) == pytest.approx(5 * 50 + 50 + 2 * 45)


def test_greedy_evaluations_at_the_end_are_counted() -> None:
    entries = [measured(0, 30, 20), measured(0, 40, 10, 0.0), step(1, 50), step(2, 60)]
    assert seconds_left(entries, 4, every=10) == pytest.approx(2 * 10 + 30)


def test_nothing_is_said_before_there_is_a_pace() -> None:
    assert seconds_left([], 10, 10) is None
    assert seconds_left([measured(0, 5, 4), step(1, 9)], 10, 10) is None
    assert told(None) == ""


def test_a_run_that_is_done_has_no_steps_left() -> None:
    assert seconds_left([step(1, 10), step(2, 20)], 2, 10) == 0.0


@pytest.mark.parametrize(("seconds", "text"), [(12.4, "  12 s left"), (600, "  10 min left")])
def test_seconds_or_minutes(seconds: float, text: str) -> None:
    assert told(seconds) == text

"""The benchmarks of training measure what they say they do."""

from __future__ import annotations

from itertools import groupby

import pytest

from rl.studies.bench.memory import Sample, line
from rl.studies.bench.rows import terse, tokens


@pytest.mark.parametrize("rows", [1, 8, 230, 256])
def test_rollouts_have_the_rows_asked_for_in_groups_with_spread(rows: int) -> None:
    made = terse(rows, 4, seed=1)
    assert sum(len(t.actions) for t in made) == rows
    assert made == terse(rows, 4, seed=1)
    for _, group in groupby(made[: len(made) // 4 * 4], key=lambda t: t.task.id):
        assert {t.reward for t in group} == {0.0, 1.0}
    counted = sum(len(a.prompt_ids + a.token_ids) for t in made for a in t.actions)
    assert tokens(made) == counted


def test_the_line_through_the_samples_is_the_leak() -> None:
    def held(step: int) -> Sample:
        return {"policy": (int(2e8 + 3e5 * step), int(1e8)), "worker": (int(5e7), int(4e7))}

    samples = {step: held(step) for step in range(1, 201) if step % 7}
    rss, own = line(samples, 0), line(samples, 1)
    assert rss["policy"]["mb_per_100_steps"] == pytest.approx(30)
    assert rss["policy"]["ratio"] == pytest.approx(258.6 / 216.8, abs=0.01)
    assert own["policy"]["mb_per_100_steps"] == pytest.approx(0)
    assert (rss["worker"]["mb"], own["worker"]["ratio"]) == (50, 1)


def test_twenty_steps_are_enough_to_see_one() -> None:
    # Caches fill for five steps; then the policy takes 2 MB a step.
    samples: dict[int, Sample] = {
        step: {"policy": (0, int(1e8 + 2e6 * max(0, step - 5) + 1e7 * min(step, 5)))}
        for step in range(1, 21)
    }
    found = line(samples, 1, settled=5)["policy"]
    assert found["mb_per_100_steps"] == pytest.approx(200)
    assert found["ratio"] == pytest.approx(176 / 156)

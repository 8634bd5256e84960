"""The benchmarks of training measure what they say they do."""

from __future__ import annotations

import asyncio
from itertools import groupby

import pytest

from rl.studies.bench.clock import simulated
from rl.studies.bench.memory import Sample, line
from rl.studies.bench.pools import measure
from rl.studies.bench.rows import terse, tokens
from rl.studies.bench.served import Gone, Served, Speed


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


def test_the_simulated_clock_jumps_and_a_deadlock_is_said() -> None:
    async def nap() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert simulated(nap()) == pytest.approx(3600)
    with pytest.raises(RuntimeError, match="nothing happens"):
        simulated(asyncio.Event().wait())


def test_a_simulated_server_batches_replies_and_computes_shared_beginnings_once() -> None:
    speed = Speed(prompt=1000, base=0.01, each=0.0, chunk=500)

    async def play() -> list[float]:
        server, clock = Served(speed), asyncio.get_running_loop().time
        await server.call([("rules", 1000)], 100)
        alone = clock()
        prompts = [[("rules", 1000), (f"q{n}", 10)] for n in range(4)]
        await asyncio.gather(*(server.call(prompt, 100) for prompt in prompts))
        together = clock() - alone
        dying = asyncio.create_task(server.call([("rules", 1000)], 100))
        await asyncio.sleep(0.1)
        server.die()
        with pytest.raises(Gone):
            await dying
        return [alone, together, float(server.computed)]

    alone, together, computed = simulated(play())
    assert alone == pytest.approx(2.0, abs=0.02)
    assert together == pytest.approx(1.04, abs=0.02)
    assert computed == 1040


def test_pools_take_less_than_calls_in_turn_and_outlive_a_server() -> None:
    found = measure(steps=2, questions=8, group=4, turns=2)
    assert found["pools"]["seconds"] < found["in turn"]["seconds"]
    for side in ("engines", "servers"):
        assert found["pools"][side] < 0.95 * found["in turn"][side]
    assert found["one dies"]["seconds"] < found["one address"]["seconds"]
    assert all(one["seconds"] >= one["bound"] for one in found.values())


def test_twenty_steps_are_enough_to_see_one() -> None:
    # Caches fill for five steps; then the policy takes 2 MB a step.
    samples: dict[int, Sample] = {
        step: {"policy": (0, int(1e8 + 2e6 * max(0, step - 5) + 1e7 * min(step, 5)))}
        for step in range(1, 21)
    }
    found = line(samples, 1, settled=5)["policy"]
    assert found["mb_per_100_steps"] == pytest.approx(200)
    assert found["ratio"] == pytest.approx(176 / 156)

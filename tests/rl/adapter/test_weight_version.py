"""A reply is of one version of the weights, also while they change and after a death."""

from __future__ import annotations

import asyncio

import pytest

from rl.adapter.engines import weight_version
from rl.adapter.engines.weight_version import WeightVersion


@pytest.fixture
def engine() -> WeightVersion:
    made = WeightVersion()
    made.start()
    return made


async def reply(engine: WeightVersion, seconds: float, log: list[str]) -> tuple[int, int]:
    """Versions at the beginning and at the end of a request."""
    async with engine.request() as version:
        log.append(f"begun with {version}")
        await asyncio.sleep(seconds)
        return version, engine.version


async def renew(engine: WeightVersion, version: int, seconds: float, log: list[str]) -> None:
    async with engine.new_weights(version):
        log.append(f"loading {version}")
        await asyncio.sleep(seconds)
    log.append(f"loaded {version}")


async def test_new_weights_wait_for_what_is_under_way_and_the_rest_for_them(
    engine: WeightVersion,
) -> None:
    log: list[str] = []
    early = [asyncio.create_task(reply(engine, 0.1, log)) for _ in range(3)]
    await asyncio.sleep(0.02)
    change = asyncio.create_task(renew(engine, 1, 0.05, log))
    await asyncio.sleep(0.02)
    late = [asyncio.create_task(reply(engine, 0.01, log)) for _ in range(3)]
    await change
    assert [await one for one in early] == [(0, 0)] * 3
    assert [await one for one in late] == [(1, 1)] * 3
    assert log == ["begun with 0"] * 3 + ["loading 1", "loaded 1"] + ["begun with 1"] * 3


async def test_a_request_that_is_given_up_does_not_hold_the_weights_up(
    engine: WeightVersion,
) -> None:
    log: list[str] = []
    hung = asyncio.create_task(reply(engine, 600, log))
    await asyncio.sleep(0.01)
    change = asyncio.create_task(renew(engine, 1, 0, log))
    await asyncio.sleep(0.01)
    assert not change.done()
    hung.cancel()
    await asyncio.wait_for(change, 5)
    assert engine.version == 1


async def test_many_changes_and_requests_never_mix(engine: WeightVersion) -> None:
    log: list[str] = []

    async def changes() -> None:
        for version in range(1, 20):
            await asyncio.sleep(0.003)
            await renew(engine, version, 0.001, log)

    async def asks() -> list[tuple[int, int]]:
        return [await reply(engine, 0.002, log) for _ in range(15)]

    changing = asyncio.create_task(changes())
    answers = await asyncio.gather(*(asks() for _ in range(8)))
    await changing
    pairs = [pair for some in answers for pair in some]
    assert all(begun == ended for begun, ended in pairs)
    assert len({begun for begun, _ in pairs}) > 5


async def test_an_engine_that_was_started_anew_answers_nothing_without_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weight_version, "_restarted", lambda: True)
    engine = WeightVersion()
    engine.start()
    waiting = asyncio.create_task(reply(engine, 0, []))
    await asyncio.wait_for(engine.lost_weights(), 5)
    assert not waiting.done()
    await renew(engine, 7, 0, [])
    assert await asyncio.wait_for(waiting, 5) == (7, 7)


async def test_an_engine_that_never_died_does_not_ask_for_weights(engine: WeightVersion) -> None:
    asks = asyncio.create_task(engine.lost_weights())
    await renew(engine, 1, 0, [])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asks, 0.1)

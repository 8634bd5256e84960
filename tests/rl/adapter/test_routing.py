"""The calls of a question go to one engine: fewer prompt tokens are computed, and none waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import ray

from agentflow_graph.errors import ModelError
from agentflow_graph.models.policy import Completion, Sampling
from agentflow_graph.models.pools.subject import asking_about
from rl.adapter.engines.policy import EnginePolicy
from rl.adapter.workers.pool import place_of
from rl.rollout import Trajectory
from rl.studies.bench.rows import terse

ENGINES, WORKERS, BLOCK = 4, 2, 4


class Engine:
    """Caches prompts as vLLM does, in whole blocks, and counts the tokens that it computes."""

    def __init__(self) -> None:
        self.computed = self.calls = 0
        self.dead = False
        self._known: set[tuple[int, ...]] = set()
        self.generate_ids = SimpleNamespace(remote=self._generate)

    async def _generate(self, prompt: list[int], sampling: Sampling, eos: int) -> Completion:
        if self.dead:
            raise ray.exceptions.RayActorError()
        self.calls += 1
        ends = range(BLOCK, len(prompt), BLOCK)
        blocks = [tuple(prompt[:end]) for end in ends]
        known = next((n for n, one in enumerate(blocks) if one not in self._known), len(blocks))
        self._known |= {*blocks}
        self.computed += len(prompt) - known * BLOCK
        await asyncio.sleep(0)
        return Completion([eos], [0.0], "stop", 0)


@pytest.fixture(scope="module")
def runs() -> list[Trajectory]:
    """Rows as the planner that ships has them: 8 runs a question, 1 to 3 turns a run."""
    return terse(384, 8, 0)


def policies(engines: list[Engine]) -> list[EnginePolicy]:
    """Those of the graph workers, which do not see each other's calls."""
    return [EnginePolicy(engines, 10**6, 2) for _ in range(WORKERS)]


async def play(runs: list[Trajectory], engines: list[Engine]) -> float:
    """Share of the prompt tokens that are computed."""
    clients = policies(engines)
    names = list(dict.fromkeys(run.task.id for run in runs))

    async def one(run: Trajectory) -> None:
        index = names.index(run.task.id)
        with asking_about(run.task.id, place_of(index, WORKERS)):
            for action in run.actions:
                await clients[index % WORKERS].generate(action.prompt_ids, Sampling())

    await asyncio.gather(*map(one, runs))
    return sum(engine.computed for engine in engines) / tokens_asked(runs)


async def test_what_one_engine_has_computed_no_other_one_computes(runs: list[Trajectory]) -> None:
    engines = [Engine() for _ in range(ENGINES)]
    routed = await play(runs, engines)
    (least,) = alone = [Engine()]
    await play(runs, alone)
    scattered = [Engine() for _ in range(ENGINES)]
    turned = await in_turn(runs, scattered)
    assert sum(engine.computed for engine in engines) <= 1.05 * least.computed
    assert routed < 0.8 * turned


async def in_turn(runs: list[Trajectory], engines: list[Engine]) -> float:
    """The control: each call at the next engine."""
    calls = [run.actions[turn] for turn in range(3) for run in runs if turn < len(run.actions)]
    for number, action in enumerate(calls):
        await engines[number % ENGINES]._generate(action.prompt_ids, Sampling(), 2)
    return sum(engine.computed for engine in engines) / tokens_asked(runs)


def tokens_asked(runs: list[Trajectory]) -> int:
    return sum(len(action.prompt_ids) for run in runs for action in run.actions)


async def test_an_engine_that_died_is_passed_by(runs: list[Trajectory]) -> None:
    engines = [Engine() for _ in range(ENGINES)]
    engines[1].dead = True
    await play(runs, engines)
    assert sum(engine.calls for engine in engines) == sum(len(run.actions) for run in runs)
    for engine in engines:
        engine.dead = True
    with pytest.raises(ModelError, match="a rollout engine failed"):
        await policies(engines)[0].generate([1], Sampling())


@pytest.mark.parametrize("place", [None, 3])
async def test_a_question_does_not_flood_its_engine(
    place: int | None, runs: list[Trajectory]
) -> None:
    engines = [Engine() for _ in range(ENGINES)]
    policy, same = policies(engines)[0], runs[0].actions[0].prompt_ids
    with asking_about("q", place):
        await asyncio.gather(*(policy.generate(same, Sampling()) for _ in range(80)))
    assert max(engine.calls for engine in engines) <= 27, "a quarter more than its share"

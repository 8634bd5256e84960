"""What the world fails is waited out, asked for again, and on record as no outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from answering import Answering, Reply

from agentflow_graph.context import Context
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from rl.adapter.workers import outage
from rl.adapter.workers.outage import Asked, Outage
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.record import TrainingRecord, lessons, rows
from rl.settings.config import Config, RewardSettings
from rl.settings.errors import WorldAway

CONTEXT = Context(layout="terse", max_turns=2, repairs=0, tools="base_generator", passages=1)
TASKS = [Task(f"q{n}", f"What is {n} + {n}?", (str(2 * n),)) for n in range(3)]
BATCH = Batch("train-00001", 4, Sampling(1.0, 16))


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planner")
    tokenizer = nano.build_tokenizer(["Context: a\nSub-Goal: b\nTool Name: base_generator"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    return folder


class Here:
    """A pool of one worker in this process, whose engine fails its first calls."""

    def __init__(self, planner: Path, record: Path, door: Path, broken: int = 0) -> None:
        self.reply = PolicyTokenizer.load(planner).encode("Tool Name: base_generator")
        self.asked, self.broken, self.door, self.rounds = 0, broken, door, 0
        limits = Limits(deadline=60, grace=1, retries=0, in_flight=256, window=512)
        engine = SimpleNamespace(generate_ids=SimpleNamespace(remote=self._answer))
        reward = RewardSettings(kind="own_rewards:behind_a_door")
        record_of = TrainingRecord(record)
        self.worker = GraphWorker([engine], str(planner), CONTEXT, limits, record_of, reward)
        self.opens_at = 0
        self.loop = asyncio.Runner()

    async def _answer(self, prompt_ids: list[int], sampling: Sampling, eos: int) -> Completion:
        import ray

        self.asked += 1
        fails = self.asked <= self.broken
        await asyncio.sleep(0)
        if fails:
            raise ray.exceptions.RayActorError()
        ids = [*self.reply, eos]
        return Completion(ids, [-1.0] * len(ids), "stop", 0)

    def run(self, tasks: Sequence[Task], batch: Batch) -> list[list[Trajectory]]:
        self.rounds += 1
        if self.rounds == self.opens_at:
            self.door.touch()

        async def all_of_them() -> list[list[Trajectory]]:
            return list(await asyncio.gather(*(self.worker.run_group(t, batch) for t in tasks)))

        return self.loop.run(all_of_them())


@pytest.fixture
def here(
    planner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Here]]:
    monkeypatch.setenv("AGENTFLOW_TEST_DOOR", str(tmp_path / "door"))
    monkeypatch.setattr(outage, "FIRST", 0.01)

    made: list[Here] = []

    def make(**more: Any) -> Here:
        made.append(Here(planner, tmp_path / "record", tmp_path / "door", **more))
        return made[-1]

    yield make
    for pool in made:
        pool.loop.close()


def waited_out(
    pool: Here, said: list[str], tasks: Sequence[Task] = TASKS, **settings: Any
) -> list[Trajectory]:
    config = Config.model_validate({"run": "r", "model": {"path": "m"}, "rollout": settings})
    made = Outage(config, pool, said.append)
    asked = [Asked(task, BATCH) for task in tasks]
    return [run for g in made.waited_out(asked, pool.run(tasks, BATCH)) for run in g]


def test_a_judge_that_is_away_is_waited_for_and_no_run_is_made_again(here: Any) -> None:
    pool, said = here(), list[str]()
    pool.opens_at = 4
    runs = waited_out(pool, said)
    assert [run.failure for run in runs] == [""] * 12
    assert all(run.reward is not None for run in runs)
    assert pool.asked == sum(len(run.actions) for run in runs), "each call of the planner once"
    assert [line.split(":")[0] for line in said] == ["paused"] * 3 + [
        "going on after 0.07 s of pause"
    ]
    assert "12 of 12 runs failed for no fault of the planner's" in said[0]
    assert "nobody opens" in said[0]
    assert pool.rounds == 4


def test_a_world_that_stays_away_stops_training_and_keeps_what_was_done(
    here: Any, tmp_path: Path
) -> None:
    pool = here()
    with pytest.raises(WorldAway, match="12 of 12 .* nobody opens.* resume the run"):
        waited_out(pool, [], outage_seconds=0.02)
    assert rows(tmp_path / "record") == [], "an outage is nobody's outcome"
    (tmp_path / "door").touch()
    resumed = here()
    runs = waited_out(resumed, [])
    assert resumed.asked == 0, "what the planner had said is known; only the judge is asked"
    assert [run.failure for run in runs] == [""] * 12
    assert len(rows(tmp_path / "record")) == 12


def test_an_engine_that_fails_for_a_while_costs_no_run(here: Any, tmp_path: Path) -> None:
    (tmp_path / "door").touch()
    pool, said = here(broken=12), list[str]()
    runs = waited_out(pool, said)
    assert [run.failure for run in runs] == [""] * 12
    assert "a rollout engine failed" in said[0]


def test_a_few_failed_runs_hold_no_step_up_and_are_on_record_as_no_outcome(
    here: Any, tmp_path: Path
) -> None:
    (tmp_path / "door").touch()
    pool, said = here(broken=1), list[str]()
    runs = waited_out(pool, said)
    assert [run.fault for run in runs].count("world") == 1
    assert (said, pool.rounds) == ([], 1)
    assert len(rows(tmp_path / "record")) == 11
    told = lessons(tmp_path / "record" / BATCH.name)
    assert len(told) == 12
    assert [reward for _, reward in told].count(None) == 1
    again = here()
    assert [run.failure for run in waited_out(again, [])] == [""] * 12, "resumed, it is run again"


def test_what_a_judge_that_is_there_will_not_say_leaves_a_run_unscored(here: Any) -> None:
    """Asked again three times, then it is the judge's fault: its group is dropped whole."""
    pool, said = here(), list[str]()
    runs = waited_out(pool, said, outage_share=1.0)
    assert {run.fault for run in runs} == {"judge"}
    assert pool.rounds == 1 + outage.ASKS


def test_while_a_server_does_not_answer_nothing_is_asked_of_it(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["http://10.0.0.1 does not serve: no answer"] * 3)
    monkeypatch.setattr(Outage, "_away", lambda _: next(answers, ""))
    pool, said = here(), list[str]()
    pool.opens_at = 2
    assert {run.failure for run in waited_out(pool, said)} == {""}
    assert pool.rounds == 2
    assert said.count("still away: http://10.0.0.1 does not serve: no answer") == 3


@pytest.mark.integration
def test_a_frozen_server_is_asked_whether_it_is_back() -> None:
    with Answering([Reply(body={"data": [{"id": "m"}]})]) as server:
        agent = {"executor": f"vllm:m@{server.url}/v1"}
        config = Config.model_validate({"run": "r", "model": {"path": "m"}, "agent": agent})
        made = Outage(config, None, print)  # type: ignore[arg-type]  # nothing is run
        assert made._away() == ""
    assert made._away().startswith(f"{server.url} does not serve: ConnectError")

"""A graph worker asks an engine only for what no worker before it was told."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from launched import run_program

from agentflow_graph.context import Context
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling
from agentflow_graph.record import Record, RecordError, read
from agentflow_graph.record.events import Key
from rl.adapter.workers.worker import Batch, GraphWorker, Limits
from rl.planners import nano
from rl.reward.task import Task
from rl.rollout import Trajectory, finished_runs, run_name
from rl.run.record import TrainingRecord

CONTEXT = Context(layout="terse", max_turns=3, repairs=0, tools="base_generator", passages=1)
TASKS = [Task(f"q{n}", f"What is {n} + {n}?", (str(2 * n),)) for n in range(3)]
BATCH = Batch("train-00001", 4, Sampling(1.0, 16))


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planner")
    tokenizer = nano.build_tokenizer(["Context: a\nSub-Goal: b\nTool Name: base_generator"], 300)
    nano.save(folder, nano.build_model(tokenizer.get_vocab_size(), 0), tokenizer, {})
    return folder


class Engine:
    """Answers with tokens that its seed decides; dies at a call, never to answer again."""

    def __init__(self, planner: Path, dies_at: int = 10**9) -> None:
        self.reply = PolicyTokenizer.load(planner).encode("Tool Name: base_generator")
        self.dies_at = dies_at
        self.seeds: list[int] = []
        self.dead = asyncio.Event()
        self.generate_ids = SimpleNamespace(remote=self._answer)

    async def _answer(self, prompt_ids: list[int], sampling: Sampling, eos: int) -> Completion:
        self.seeds.append(sampling.seed)
        await asyncio.sleep(0)
        if len(self.seeds) >= self.dies_at:
            self.dead.set()
            await asyncio.Event().wait()
        rng = random.Random(sampling.seed or None)
        ids = [*rng.sample(range(5, 200), 3), *self.reply, eos]
        return Completion(ids, [-rng.random() for _ in ids], "stop", 3)


@pytest.fixture
def worker(planner: Path, tmp_path: Path) -> Callable[..., GraphWorker]:
    def make(engine: Engine, seed: int | None = 7, folder: str = "record") -> GraphWorker:
        limits = Limits(deadline=60, grace=1, retries=1, in_flight=256, window=512)
        record = TrainingRecord(tmp_path / folder, seed)
        return GraphWorker([engine], str(planner), CONTEXT, limits, record)

    return make


async def run_all(worker: GraphWorker) -> list[Trajectory]:
    groups = await asyncio.gather(*(worker.run_group(task, BATCH) for task in TASKS))
    return [run for group in groups for run in group]


def sampled(runs: list[Trajectory]) -> list[Any]:
    return [(run.task, run.reward, run.failure, run.actions) for run in runs]


async def test_what_ended_is_read_and_nothing_is_asked(worker: Any, planner: Path) -> None:
    first, second = Engine(planner), Engine(planner)
    runs = await run_all(worker(first))
    again = await run_all(worker(second))
    assert len(first.seeds) == sum(len(run.actions) for run in runs) >= 12
    assert second.seeds == []
    assert sampled(again) == sampled(runs)
    for key in ("turns", "answer", "usage", "seconds", "stopped_by"):
        assert [run.state[key] for run in again] == [run.state[key] for run in runs]
    assert [run.grade for run in again] == [run.grade for run in runs]


@pytest.mark.parametrize("dies_at", [1, 2, 7, 20])
async def test_a_kill_costs_the_calls_that_were_under_way(
    worker: Any, planner: Path, tmp_path: Path, dies_at: int
) -> None:
    whole = Engine(planner)
    wanted = await run_all(worker(whole, folder="whole"))
    dying, second = Engine(planner, dies_at), Engine(planner)
    cut_off = asyncio.create_task(run_all(worker(dying)))
    await asyncio.wait_for(dying.dead.wait(), 60)
    await asyncio.sleep(0.1)  # in which nothing more must be asked
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    runs = await run_all(worker(second))
    assert sampled(runs) == sampled(wanted)
    assert len(dying.seeds) == dies_at, "one at a time, and the last was under way"
    assert len(second.seeds) == len(whole.seeds) - (dies_at - 1)
    assert sorted({*dying.seeds, *second.seeds}) == sorted(whole.seeds)
    calls = TrainingRecord(tmp_path / "record").calls()
    assert calls == (len(whole.seeds) + 1, len(whole.seeds))


async def test_every_call_has_a_seed_of_its_own_or_none(worker: Any, planner: Path) -> None:
    seeded, unseeded = Engine(planner), Engine(planner)
    await run_all(worker(seeded))
    await run_all(worker(unseeded, seed=None, folder="other"))
    assert len(set(seeded.seeds)) == len(seeded.seeds)
    assert set(unseeded.seeds) == {0}


async def test_an_answer_to_another_prompt_is_not_taken(
    worker: Any, planner: Path, tmp_path: Path
) -> None:
    """A tool may answer otherwise the second time: then what was said next is of no use."""
    chapter = TrainingRecord(tmp_path / "record").chapter(BATCH.name)
    wrong = {"prompt_ids": [1], "token_ids": [9], "logprobs": [-9.0], "policy_version": 0}
    for number in range(BATCH.runs):
        name = run_name(BATCH.name, TASKS[0], number, 0)
        where = {"run": name, "call": Key("planner", 1, 0, "0" * 16)}
        chapter.write({"event": "answered", **where, "answer": {"text": "", **wrong}})
    engine = Engine(planner)
    runs = await worker(engine).run_group(TASKS[0], BATCH)
    assert all(action.logprobs != [-9.0] for run in runs for action in run.actions)
    assert len(engine.seeds) == sum(len(run.actions) for run in runs)
    again = await worker(Engine(planner)).run_group(TASKS[0], BATCH)
    assert sampled(again) == sampled(runs), "what was asked anew is what counts"


@pytest.mark.parametrize("written", [0, 1, 5, 9, 12])
async def test_a_full_disk_ends_the_group_at_once_and_fails_no_run(
    worker: Any, planner: Path, tmp_path: Path, monkeypatch: Any, written: int
) -> None:
    """Within the graph any error is the planner's failure; the record's must come out."""
    stock, engine = os.write, Engine(planner)

    def full(descriptor: int, data: bytes) -> int:
        if room.pop():
            return stock(descriptor, data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    room = [False] + [True] * written
    with pytest.raises(RecordError, match="No space left"):
        await asyncio.wait_for(worker(engine).run_group(TASKS[0], BATCH), 30)
    monkeypatch.undo()
    kept = read(tmp_path / "record" / BATCH.name)
    assert all(run.state is None and not run.notes for run in kept.values())
    assert len(engine.seeds) <= written


async def test_a_question_that_does_not_fit_costs_no_call_and_is_no_outcome(
    worker: Any, planner: Path, tmp_path: Path
) -> None:
    engine = Engine(planner)
    long = Task("long", "word " * 600, ("x",))
    first = await worker(engine).run_group(long, BATCH)
    again = await worker(engine).run_group(long, BATCH)
    assert engine.seeds == []
    assert all("rollout.window" in run.failure for run in first)
    assert [run.failure for run in again] == [run.failure for run in first]
    assert {run.fault for run in first} == {"world"}
    assert finished_runs(Record(tmp_path / "record" / BATCH.name)) == {}


def test_a_worker_and_the_handles_it_is_given_load_no_engine_and_no_trainer() -> None:
    """Ray loads an actor's class wherever a handle of it arrives."""
    code = (
        "import sys, rl.adapter.workers.pool;"
        "import rl.adapter.engines.sync_engine, rl.adapter.engines.session;"
        "print({'torch', 'vllm', 'openrlhf', 'deepspeed', 'transformers'} & set(sys.modules))"
    )
    done = run_program("-c", code)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr

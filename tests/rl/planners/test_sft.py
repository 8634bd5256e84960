"""Offline fine-tuning: recorded runs, the oracle's or the planner's own, and what is learned."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from kept import keep
from launched import run_program
from transformers import AutoModelForCausalLM

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.models.policy import PolicyTokenizer, Sampling
from agentflow_graph.models.strings import NANO
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record import Record
from agentflow_graph.record.events import line_of
from benchmarks.almanac.oracle import plan
from benchmarks.almanac.scripted import written
from rl.planners import traces
from rl.planners.play import Table
from rl.planners.sft import fine_tune, main, read, turns
from rl.planners.supervised import Recipe, next_token_loss
from rl.questions import data
from rl.rollout import Trajectory
from rl.run.metrics import evaluation
from rl.run.record import rows

# The sandbox proves at its start that nothing in it reaches a listening socket of ours.
pytestmark = pytest.mark.enable_socket

CONTEXT = Context(layout="terse", passages=1, max_turns=3, memory_tokens=384, repairs=0)
ONCE = Recipe(seed=1, steps=6, batch=4, lr=1e-3, muon_lr=0.0, threads=1)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "teacher"


@pytest.fixture(scope="module")
def taught(recorded: Path) -> list[Trajectory]:
    """The oracle's runs of twenty training questions, through the real graph."""
    table, record = Table.set(NANO, None, CONTEXT), Record(recorded)
    asked = data.almanac("train", 20, seed=4)
    runs = asyncio.run(table.play(asked, Sampling(1.0, 32), record=record))
    record.close()
    return runs


def test_the_teacher_is_always_right_and_takes_as_many_turns_as_needed(
    taught: list[Trajectory],
) -> None:
    found = evaluation(1.0, taught, 1.0)
    assert (found["success"], found["failed"], found["tool_errors"]) == (1.0, 0, 0.0)
    needed = {"arithmetic": 1, "one_hop": 1, "two_hops": 2, "fact_arithmetic": 2}
    for run in taught:
        assert len(run.actions) == needed.get(run.task.level, 3), run.task


def test_its_replies_are_the_oracles_in_the_planners_tokens(taught: list[Trajectory]) -> None:
    tokenizer = PolicyTokenizer.load(NANO)
    for run in taught:
        first = run.actions[0]
        assert tokenizer.decode(first.token_ids) == written(plan(run.task.question, []))
        assert first.token_ids[-1] == tokenizer.eos_id
        assert run.task.question in tokenizer.decode(first.prompt_ids)


def test_no_held_out_question_is_among_the_traces(taught: list[Trajectory]) -> None:
    heldout = {task.question for task in data.almanac("heldout", 300, seed=4)}
    assert not heldout & {run.task.question for run in taught}


def test_a_smaller_turn_budget_ends_runs_earlier() -> None:
    table = Table.set(NANO, None, CONTEXT)
    asked = data.almanac("train", 10, seed=4)
    runs = asyncio.run(table.play(asked, Sampling(1.0, 32), max_turns=1))
    assert {len(run.state["turns"]) for run in runs} == {1}
    right = {run.task.level for run in runs if run.reward}
    assert right == {"arithmetic", "one_hop"}, "what one call can answer"


# ------------------------------------------------------------------- examples


def test_what_is_recorded_is_what_was_played(taught: list[Trajectory], recorded: Path) -> None:
    found = {row["id"]: row for row in rows(recorded)}
    assert len(found) == len(taught) == 20
    for run in taught:
        row = found[run.task.id]
        assert (row["reward"], row["level"]) == (run.reward, run.task.level)
        assert row["golds"] == list(run.task.answers)
        for turn, same in zip(row["state"]["turns"], run.state["turns"], strict=True):
            assert {**turn, "planner": same["planner"]} == same
            assert turn["planner"][0]["text"].startswith("Context: ")


def test_the_same_question_again_is_a_run_of_its_own(tmp_path: Path) -> None:
    table, record = Table.set(NANO, None, CONTEXT), Record(tmp_path)
    task = data.almanac("train", 1, seed=4)
    asyncio.run(table.play(task * 3, Sampling(1.0, 32), record=record))
    assert [row["id"] for row in rows(tmp_path)] == [task[0].id] * 3


def test_the_loss_counts_the_replies_alone(taught: list[Trajectory], recorded: Path) -> None:
    found = {row["id"]: row for row in read(recorded)}
    for run in taught:
        examples = turns(found[run.task.id])
        assert len(examples) == len(run.actions)
        for example, action in zip(examples, run.actions, strict=True):
            assert example.ids == action.prompt_ids + action.token_ids
            assert sum(example.weights) == len(action.token_ids)
            assert not any(example.weights[: len(action.prompt_ids)])


def test_a_planner_learns_its_lesson_and_the_first_one_stays(
    recorded: Path, taught: list[Trajectory], tmp_path: Path
) -> None:
    before = (NANO / "model.safetensors").read_bytes()
    facts = fine_tune(NANO, recorded, tmp_path / "out", ONCE, say=lambda _: None)
    assert (facts["traces"], facts["successes"], facts["steps"]) == (20, 20, 6)
    assert facts["turns"] == sum(len(run.actions) for run in taught)
    assert (NANO / "model.safetensors").read_bytes() == before
    examples = [example for row in rows(recorded) for example in turns(row)]

    def loss(folder: Path) -> float:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        with torch.no_grad():
            return next_token_loss(model, examples).item()

    assert loss(tmp_path / "out") < loss(NANO)
    trained = trained_under(tmp_path / "out")
    assert (trained["recipe"], trained["layout"], trained["sft"]) == ("sft", "terse", facts)
    files = [Path("tokenizer") / name for name in ("tokenizer.json", "tokenizer_config.json")]
    for file in files:
        assert (tmp_path / "out" / file).read_bytes() == (NANO / file).read_bytes()
    assert not (tmp_path / "out" / "tokenizer.json").exists(), "beside config.json it gets mangled"


def test_failures_are_no_lesson(taught: list[Trajectory], tmp_path: Path) -> None:
    wrong, broken, *right = taught[:4]
    broken = replace(broken, reward=None, failure="judge: silent", fault="judge")
    runs = [replace(wrong, reward=0.0), broken, *right]
    record = Record(tmp_path / "record" / "train-00001")
    for run in runs:
        keep(record, "train-00001", 0, run)
    facts = fine_tune(NANO, tmp_path / "record", tmp_path / "out", ONCE, say=lambda _: None)
    assert (facts["traces"], facts["successes"]) == (4, 2)
    assert facts["turns"] == sum(len(run.actions) for run in right)


# --------------------------------------------------------------------- faults


def test_traces_without_success_are_refused_before_anything_is_made(
    taught: list[Trajectory], tmp_path: Path
) -> None:
    keep(Record(tmp_path / "record"), "", 0, replace(taught[0], reward=0.0))
    with pytest.raises(SettingError, match="none of the 1 traces"):
        fine_tune(NANO, tmp_path / "record", tmp_path / "out", ONCE)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"reward": 1.0}', "12", ""])
def test_a_folder_without_a_run_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text(text + "\n")
    for folder in (tmp_path, tmp_path / "broken.jsonl"):  # a file, as version 0.1 made them
        with pytest.raises(SettingError, match=f"{folder} hold no runs; record some with"):
            read(folder)


def test_traces_of_another_format_are_refused(tmp_path: Path) -> None:
    opened = {"event": "opened", "format": 2, "versions": {"agentflow-graph": "9.9"}}
    (tmp_path / "new.jsonl").write_bytes(line_of(opened))
    with pytest.raises(SettingError, match=r"new\.jsonl has format 2.*agentflow-graph 9\.9"):
        read(tmp_path)


def test_what_is_missing_or_taken_ends_with_code_2(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(**changes: Any) -> str:
        given = {"planner": NANO, "traces": recorded, "out": tmp_path / "out"} | changes
        assert main([word for k, v in given.items() for word in (f"--{k}", str(v))]) == 2
        return capsys.readouterr().err

    assert "no config.json" in said(planner=tmp_path)
    assert "hold no runs" in said(traces=tmp_path / "none")
    assert "exists; choose another" in said(out=tmp_path)
    existing = ["--planner", str(NANO), "--out", str(recorded), "--teacher"]
    assert traces.main(existing) == 2
    assert "exists; choose another" in capsys.readouterr().err


# ---------------------------------------------------------------- integration


@pytest.mark.integration
def test_own_traces_are_sampled_in_an_engine(warm_planner: Path, tmp_path: Path) -> None:
    out, planner = tmp_path / "own", str(warm_planner)
    (tmp_path / "own.partial").mkdir()
    (tmp_path / "own.partial" / "left.jsonl").write_text("by a kill")
    asked = ["--questions", "40", "--group", "2"]
    done = run_program("-m", "rl.planners.traces", "--planner", planner, "--out", str(out), *asked)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"own", "own.log"}
    assert not (out / "left.jsonl").exists()
    found = read(out)
    assert len(found) == 80
    assert len({trace["id"] for trace in found}) == 40
    call = found[0]["state"]["turns"][0]["planner"][0]
    assert len(call["logprobs"]) == len(call["token_ids"]) > 0
    assert min(call["logprobs"]) < 0, "sampled, not scripted"

"""Evaluation sets: avg@k and pass@k, which set chooses, and when choosing says too much."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.errors import SettingError
from rl.questions import data
from rl.questions.rows import read
from rl.questions.sets import not_apart
from rl.rollout import Trajectory
from rl.run.left import seconds_left
from rl.run.metrics import Recorder
from rl.run.saved.ledger import Ledger, lines_of
from rl.run.scoring import best, evaluation, stale
from rl.run.summary import summarise
from rl.settings.changes import may_change
from rl.settings.config import Config

Make = Callable[..., Trajectory]


def config_of(folder: Path, **measured: Any) -> Config:
    record = {"run": str(folder), "model": {"path": "m"}, "steps": 2, "evaluation": measured}
    return Config.model_validate(record | {"data": {"heldout_n": 30}})


def test_success_and_passes_are_over_questions(trajectory: Make) -> None:
    given = {"a": (1.0, 1.0, 1.0, 1.0), "b": (1.0, 0.0, 0.0, 0.0), "c": (0.0, 0.0, 0.0, 0.0)}
    runs = [trajectory(name, reward) for name, rewards in given.items() for reward in rewards]
    found = evaluation(0.7, runs, 1.0)
    assert (found["n"], found["runs_each"], found["solved"]) == (3, 4, 5)
    assert found["success"] == pytest.approx((1 + 0.25 + 0) / 3)
    passes = {k: value[0] for k, value in found["pass_at"].items()}
    assert passes == {
        "1": pytest.approx(1.25 / 3),
        "2": pytest.approx(0.5),
        "4": pytest.approx(2 / 3),
    }
    for value, low, high in found["pass_at"].values():
        assert 0 <= low <= value <= high <= 1
    low, high = found["interval"]
    assert low < found["success"] < high
    assert high - low > 0.5, "three questions, not twelve independent runs"


def test_a_question_without_all_its_rewards_is_in_no_pass(trajectory: Make) -> None:
    runs = [trajectory("a", 1.0), trajectory("a", 0.0), trajectory("b", 1.0), trajectory("b", None)]
    found = evaluation(0.7, runs, 1.0)
    assert (found["success"], found["n"], found["unscored"]) == (0.75, 2, 1)
    assert (found["pass_n"], found["pass_at"]["2"][0]) == (1, 1.0)
    assert "pass_at" not in evaluation(0.7, runs[:1], 1.0), "of single runs it is success"


def test_the_best_and_patience_go_by_one_set(trajectory: Make, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=9)
    recorder.screen = io.StringIO()
    for step, (heldout, apart) in enumerate([(0.0, 1.0), (1.0, 0.0)]):
        recorder.evaluated(step, 0.7, [trajectory("a", heldout)], 1.0)
        recorder.evaluated(step, 0.7, [trajectory("b", apart)], 1.0, "apart")
    found = recorder.evaluations
    highest, own = best(found), best(found, "apart")
    assert highest and own and (highest["step"], own["step"]) == (1, 0)
    assert (stale(found), stale(found, "apart")) == (0, 1)
    config = config_of(tmp_path, choose="apart", sets={"apart": {"questions": "almanac"}})
    summary = summarise(config, recorder)
    assert (summary["best_step"], summary["heldout_best"], summary["heldout_after"]) == (
        0,
        0.0,
        1.0,
    )
    assert recorder.evaluation(0, 0.7, "apart") is not recorder.evaluation(0, 0.7)
    assert "apart 1.000" in recorder.screen.getvalue()


def test_a_set_skips_what_another_asks_and_is_written_beside_it(tmp_path: Path) -> None:
    apart = {"questions": "almanac", "skip": 30, "n": 40}
    config = config_of(tmp_path, sets={"apart": apart}, choose="apart")
    data.write(config)
    heldout, own = (read(tmp_path / "data" / f"{name}.jsonl") for name in config.sets)
    assert len(heldout) == 30 and 30 < len(own) <= 40
    assert not {t.question for t in heldout} & {t.question for t in own}
    assert not_apart(tmp_path, config.evaluation.model_dump()) == ""
    with pytest.raises(SettingError, match="skip=400 leaves none; lower it"):
        few = tmp_path / "few.jsonl"
        few.write_text('{"question": "q", "answer": "a"}\n')
        lacking = config_of(tmp_path, sets={"apart": {"questions": str(few), "skip": 400}})
        data.heldout(lacking, lacking.sets["apart"])


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ({}, "go by the set heldout, which is reported"),
        ({"best": False}, ""),
        ({"best": False, "patience": 3}, "go by the set heldout"),
        (
            {"sets": {"same": {"questions": "almanac", "n": 5}}, "choose": "same"},
            "5 questions 5 are",
        ),
    ],
)
def test_choosing_on_what_is_reported_is_said(
    measured: dict[str, Any], told: str, tmp_path: Path
) -> None:
    config = config_of(tmp_path, **measured)
    data.write(config)
    found = not_apart(tmp_path, config.evaluation.model_dump())
    assert told in found and bool(told) == bool(found)


def test_the_ledger_knows_sets_apart(tmp_path: Path) -> None:
    config = config_of(tmp_path, sets={"apart": {"questions": "almanac", "n": 2}})
    data.write(config)
    (tmp_path / "config.yaml").write_text("run: x\n")
    ledger = Ledger(tmp_path)
    ledger.begin(0, {}, {})
    for _ in range(2):
        ledger.evaluation(0, 0.7)
        ledger.evaluation(0, 0.7, "apart")
    begun, *rest = lines_of(tmp_path)
    assert list(begun["files"]) == [
        *("config.yaml", "data/apart.jsonl", "data/heldout.jsonl", "data/train.jsonl")
    ]
    assert [line.get("set") for line in rest] == [None, "apart"]


def test_a_resume_may_choose_by_another_set_and_not_change_one() -> None:
    names = ("evaluation.choose", "evaluation.sets.apart.n", "evaluation.runs", "export_every")
    assert [may_change(name) for name in names] == ["yes", "no", "no", "yes"]


def test_the_time_left_counts_every_set() -> None:
    def step(number: int, wall: float) -> dict[str, Any]:
        return {"kind": "step", "step": number, "wall": wall}

    told = {"kind": "evaluation", "step": 0, "temperature": 0.7, "seconds": 5.0, "wall": 0.0}
    entries = [told, {**told, "set": "apart"}, step(1, 11.0), step(2, 12.0)]
    assert seconds_left(entries, 4, 3) == pytest.approx(2 * 1.0 + 10.0 + 10.0)

"""A run with all that can be measured: sets, parts, turns, exports, Weights & Biases; verified."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from launched import ROOT, run_program, write_questions
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForCausalLM

from agentflow_graph.models.strings import NANO
from rl.run.record import rows, train_batch

pytestmark = pytest.mark.integration

KEY = "local-" + "0123456789abcdef" * 2 + "01234567"
OWN = """
def brief(task, state):
    return {"short": 1.0 / len(state["turns"]), "said": float(bool(state["answer"]))}


def useful(task, state):
    return [float(all(call["status"] == "ok" for call in turn["calls"])) for turn in state["turns"]]
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reward functions of a user's, and the package wandb out of the index."""
    folder = tmp_path_factory.mktemp("modules")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*pip, "wandb"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"wandb cannot be had from the package index: {done.stderr[-200:]}")
    (folder / "own_measures.py").write_text(OWN)
    return folder


@pytest.fixture(scope="module")
def run(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the planner that ships, so hot that it errs and so slow that it hardly moves.

    After larger steps engine and trainer differ for it by more than `verify` allows.
    """
    folder = tmp_path_factory.mktemp("measured")
    settings = {
        "run": folder / "run",
        "steps": 2,
        "deterministic": "true",
        "export_every": 1,
        "keep_exports": 1,
        "model.path": NANO,
        "data.train": write_questions(folder / "train.jsonl", "train", 8, seed=1),
        "data.heldout": write_questions(folder / "heldout.jsonl", "heldout", 6),
        "rollout.questions": 4,
        "rollout.group_size": 4,
        "rollout.temperature": 1.5,
        "evaluation.every": 1,
        "evaluation.greedy": "false",
        "evaluation.choose": "apart",
        "evaluation.sets.apart.questions": "almanac",
        "evaluation.sets.apart.skip": 100,
        "evaluation.sets.apart.n": 4,
        "evaluation.sets.apart.runs": 3,
        "optimizer.lr": 1e-6,
        "optimizer.batch_rows": 16,
        "optimizer.micro_batch": 16,
        "reward.parts.right.weight": 0.75,
        "reward.parts.brief.kind": "own_measures:brief",
        "reward.parts.brief.weight": 0.25,
        "reward.turns": "own_measures:useful",
        "reward.turn_weight": 0.5,
        "logging.wandb.project": "planners",
        "logging.wandb.mode": "offline",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    config = str(ROOT / "rl" / "configs" / "nano.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_API_KEY", KEY)
        command = ["-m", "rl.train", "--config", config, *words]
        done = run_program(*command, modules=modules, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "apart 0." in done.stdout and "pass@3" in done.stdout
    return folder / "run"


def entries(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def test_sets_are_measured_and_the_named_one_chooses(run: Path) -> None:
    made = [(e["set"], e["step"]) for e in entries(run, "evaluation")]
    assert made == [(name, step) for step in (0, 1, 2) for name in ("heldout", "apart")]
    apart = [e for e in entries(run, "evaluation") if e["set"] == "apart"]
    assert {(e["n"], e["runs_each"], e["pass_n"]) for e in apart} == {(4, 3, 4)}
    for e in apart:
        assert list(e["pass_at"]) == ["1", "2", "3"]
        chances = [e["pass_at"][k][0] for k in ("1", "2", "3")]
        assert chances == sorted(chances)
    summary = json.loads((run / "summary.json").read_text())
    highest = max(apart, key=lambda e: e["success"])
    assert (summary["best_step"], summary["best_chosen_on"]) == (highest["step"], "apart")
    assert summary["sets"]["apart"]["best"]["success"] == highest["success"]
    assert summary["warnings"] == []
    page = (run / "report.html").read_text()
    assert "apart, chooses the best" in page and "Parts of the reward" in page
    assert "Mind that" not in page


def test_parts_and_turns_are_on_record_and_logged(run: Path) -> None:
    for step in (1, 2):
        found = rows(run / "record" / train_batch(step))
        for row in found:
            parts, turns = row["grade"]["parts"], row["grade"]["turns"]
            assert parts["brief"] == (parts["brief/short"] + parts["brief/said"]) / 2
            assert row["reward"] == pytest.approx(0.75 * parts["right"] + 0.25 * parts["brief"])
            assert len(turns) == len(row["state"]["turns"])
        entry = entries(run, "step")[step - 1]
        right = sum(row["grade"]["parts"]["right"] for row in found) / len(found)
        assert entry["parts"]["right"] == pytest.approx(right)
        assert 0 <= entry["turn_reward"] <= 1
        assert entry["updated"] == 1
    (events,) = (run / "tensorboard").rglob("events*")
    curves = EventAccumulator(str(events.parent)).Reload()
    assert [e.step for e in curves.Scalars("train/parts/right")] == [1, 2]
    assert len(curves.Scalars("eval/apart_pass@3")) == 3


def test_weights_and_biases_have_the_metrics_and_no_key(run: Path) -> None:
    (kept,) = (run / "wandb").glob("offline-run-*/*.wandb")
    told = kept.read_bytes()
    for wanted in (b"planners", b"train/reward", b"train/parts/right", b"eval/apart_success"):
        assert wanted in told
    assert (run / "wandb" / "id").read_text() in kept.name
    for path in (p for p in run.rglob("*") if p.is_file()):
        assert KEY.encode() not in path.read_bytes(), path


def test_the_newest_export_is_a_planner_for_transformers_and_the_agent(run: Path) -> None:
    (export,) = (run / "exports").iterdir()
    assert export.name == "step-00002"
    ours, last = (AutoModelForCausalLM.from_pretrained(f) for f in (export, run / "model"))
    assert all((a == b).all() for a, b in zip(ours.parameters(), last.parameters(), strict=True))
    planner = f"planner=local:{export}"
    asked = run_program("-m", "agentflow_graph", "What is 2 + 3?", "--json", "--set", planner)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["answer"]


def test_the_run_is_verified_with_its_parts_and_turns(run: Path, modules: Path) -> None:
    done = run_program("-m", "rl", "verify", str(run), "--trust", modules=modules)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "evaluation on apart" in done.stdout
    assert "exports/step-00002" in done.stdout
    assert "each of them to the last bit" in done.stdout


def test_recorded_runs_are_scored_by_parts(run: Path, modules: Path) -> None:
    words = ["reward.parts.right.weight=0.5", "reward.parts.own.kind=own_measures:brief"]
    command = ["-m", "rl", "score", str(run / "record" / train_batch(1))]
    done = run_program(*command, *words, "reward.parts.own.weight=0.5", modules=modules)
    assert done.returncode == 0, done.stderr
    entry = entries(run, "step")[0]
    assert f"right {entry['parts']['right']:.3f}" in done.stdout
    assert f"own {entry['parts']['brief']:.3f}" in done.stdout

"""Steps that close early, through the trainer as a person starts it, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from launched import run_program, start_program, write_questions

from agentflow_graph.models.strings import NANO
from agentflow_graph.record import read
from rl.rollout import FINISHED
from rl.run.record import TrainingRecord, rows
from rl.run.saved.closed import closed_steps

pytestmark = pytest.mark.integration

REWARD = """
import asyncio

async def slow(task, state):
    await asyncio.sleep(5 * (task.id in ("t1", "t5")))
    return float(len(state["answer"]) % 2)
"""
"""Seed 7 asks t2 and t1, then t3 and t5, then t0 and t4."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps of two questions, of which one is late; SIGKILL after the second."""
    folder = tmp_path_factory.mktemp("early")
    (folder / "own_waiting.py").write_text(REWARD)
    train = write_questions(folder / "train.jsonl", "train", 6, seed=1)
    asked = [json.loads(line) for line in train.read_text().splitlines()]
    named = [{**row, "id": f"t{number}"} for number, row in enumerate(asked)]
    train.write_text("".join(json.dumps(row) + "\n" for row in named))
    settings = {
        "run": folder / "run",
        "steps": 3,
        "save_every": 1,
        "record.keep": 2,
        "model.path": NANO,
        "reward.kind": "own_waiting:slow",
        "rollout.questions": 2,
        "rollout.group_size": 4,
        "rollout.temperature": 2.0,
        "rollout.close": 0.5,
        "data.train": train,
        "data.heldout": write_questions(folder / "heldout.jsonl", "heldout", 2),
        "data.heldout_n": 2,
        "evaluation.every": 3,
        "evaluation.greedy": "false",
    }
    words = ["-m", "rl.train", "--config", "rl/configs/nano.yaml"]
    words += [f"{name}={value}" for name, value in settings.items()]
    training = start_program(*words, output=folder / "out.txt", modules=folder)
    while training.poll() is None and len(steps(folder / "run")) < 2:
        time.sleep(0.05)
    assert training.poll() is None, (folder / "out.txt").read_text()
    os.killpg(training.pid, signal.SIGKILL)
    training.wait()
    again = ["-m", "rl.train", "--resume", str(folder / "run")]
    done = run_program(*again, timeout=900, modules=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "late 1" in done.stdout or "late 1" in (folder / "out.txt").read_text()
    return folder / "run"


def steps(run: Path) -> list[dict[str, Any]]:
    path = run / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    return [entry for entry in entries if entry["kind"] == "step"]


def test_late_groups_serve_the_next_step_with_their_own_versions(run: Path) -> None:
    made = steps(run)
    assert [(s["groups_late"], s["groups_carried"], s["runs"]) for s in made] == [
        (1, 0, 4),
        (1, 1, 8),
        (0, 1, 12),
    ]
    assert {name: closed.late for name, closed in closed_steps(run / "record").items()} == {
        1: ["t1"],
        2: ["t5"],
        3: [],
    }
    assert max(step["staleness_max"] for step in made) <= 1
    for step in made[1:]:
        # The runs' turns were sampled by the weights before the last update, or by those after it.
        assert set(step["policy_versions"]) <= {step["policy_version"], step["policy_version"] - 1}


def test_no_run_is_lost_and_none_is_made_twice(run: Path) -> None:
    found = {name: one for name, one in read(run / "record").items() if name.startswith("train")}
    ended = Counter(
        (event["task"], event["number"])
        for one in found.values()
        for event in one.notes
        if event["event"] == FINISHED
    )
    assert ended == {(f"t{n}", number): 1 for n in (3, 5, 0, 4) for number in range(4)}
    for one in found.values():
        told = [call.key for call in one.calls if call.key.node == "planner" and call.answer]
        assert len(told) == len(set(told)), "answered once, also across the kill"


def test_the_record_is_packed_and_bounded(run: Path) -> None:
    parts = {path.name: path for path in (run / "record").glob("*-*")}
    assert sorted(parts) == [
        "heldout-00000-0.7",
        "heldout-00003-0.7",
        "train-00002",
        "train-00003",
    ], "nothing needs the first step: the older checkpoint is of the second"
    assert {file.suffix for part in parts.values() for file in part.iterdir()} == {".zst"}
    assert len(rows(parts["train-00002"])) == 8
    made, ended = TrainingRecord(run / "record").calls()
    assert ended > 0
    assert 0 <= made - ended <= 12, "a run loses the one call that was under way at the kill"

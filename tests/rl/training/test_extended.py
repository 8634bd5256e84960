"""A run that is done goes on, from an older checkpoint, with another rate and more steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from launched import run_program, write_questions

from agentflow_graph.models.strings import NANO

pytestmark = pytest.mark.integration


def test_a_run_that_is_done_goes_on_otherwise(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = {
        "run": run,
        "steps": 2,
        "save_every": 1,
        "model.path": NANO,
        "rollout.questions": 2,
        "rollout.group_size": 4,
        "rollout.temperature": 2.0,
        "data.heldout": write_questions(tmp_path / "heldout.jsonl", "heldout", 4),
        "data.heldout_n": 4,
        "evaluation.every": 1,
        "evaluation.greedy": "false",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    first = run_program("-m", "rl.train", "--config", "rl/configs/nano.yaml", *words)
    assert first.returncode == 0, first.stderr
    assert json.loads((run / "summary.json").read_text())["steps"] == 2
    given = ("--checkpoint", "global_step1", "steps=3", "optimizer.lr=1e-5", "optimizer.warmup=0")
    again = run_program("-m", "rl.train", "--resume", str(run), *given)
    assert again.returncode == 0, again.stderr
    assert "resumed after step 1" in again.stdout
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [entry for entry in entries if entry["kind"] == "step"]
    assert [step["step"] for step in steps] == [1, 2, 3]
    assert {step["lr"] for step in steps[1:] if step["updated"]} <= {1e-5}
    assert [e["step"] for e in entries if e["kind"] == "evaluation"] == [0, 1, 2, 3]
    assert json.loads((run / "summary.json").read_text())["steps"] == 3
    moved = run / "aside" / "001"
    assert (moved / "checkpoints" / "_actor" / "global_step2").is_dir()
    assert [path.name for path in (moved / "record").glob("*-*")] == ["heldout-00002-0.7"]

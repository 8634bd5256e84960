"""The loop to read trains as the trainer does, and runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from launched import ROOT, run_program

EXAMPLE = ROOT / "examples" / "minimal_flow_grpo.py"


def test_it_fits_a_few_screens_and_needs_no_trainer() -> None:
    text = EXAMPLE.read_text()
    assert len(text.splitlines()) <= 200
    assert not re.search(r"^(import|from) (ray|vllm|openrlhf|deepspeed)\b", text, re.MULTILINE)


@pytest.mark.integration
def test_its_gradient_is_the_trainers(tmp_path: Path) -> None:
    done = run_program("tests/rl/programs/minimal.py", str(tmp_path), modules=EXAMPLE.parent)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["error"] < 1e-5
    assert found["norm"] > 0
    assert found["parameters"] > 20


@pytest.mark.integration
def test_it_trains_a_planner_that_is_there(tmp_path: Path) -> None:
    nano = ROOT / "agentflow_graph" / "models" / "nano"
    done = run_program(str(EXAMPLE), "--planner", str(nano), "--steps", "1")
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = re.findall(r"held-out success \w+: ([\d.]+)", done.stdout)
    assert float(before) > 0.9, "the planner that ships has learned the almanac"
    assert float(after) > 0.8
    assert "step  1  reward" in done.stdout

"""A judge that is away: the trainer pauses, says so, stops, is resumed, and goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from launched import ROOT, run_program, start_program, write_questions

from agentflow_graph.models.strings import NANO
from agentflow_graph.record import read
from rl.run.record import heldout_batch, rows

pytestmark = pytest.mark.integration


def test_an_outage_stops_training_resumably_or_is_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, door = tmp_path / "run", tmp_path / "door"
    monkeypatch.setenv("AGENTFLOW_TEST_DOOR", str(door))
    settings = {
        "run": run,
        "steps": 1,
        "model.path": NANO,
        "data.train": write_questions(tmp_path / "train.jsonl", "train", 4, seed=1),
        "data.heldout": write_questions(tmp_path / "heldout.jsonl", "heldout", 6),
        "rollout.questions": 4,
        "rollout.group_size": 4,
        "rollout.outage_seconds": 2,
        "optimizer.batch_rows": 16,
        "optimizer.micro_batch": 16,
        "evaluation.greedy": "false",
        "reward.kind": "own_rewards:behind_a_door",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    support, before = ROOT / "tests" / "support", heldout_batch(0, 0.7)
    done = run_program(
        "-m", "rl.train", "--config", "rl/configs/nano.yaml", *words, modules=support
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "paused: 6 of 6 runs failed for no fault of the planner's" in done.stdout
    assert "nobody opens" in done.stderr
    assert f"--resume {run}" in done.stderr
    assert rows(run / "record") == []

    output = tmp_path / "output.txt"
    resumed = start_program("-m", "rl.train", "--resume", str(run), output=output, modules=support)
    try:
        for _ in range(480):
            if "paused: 6 of 6" in output.read_text() or resumed.poll() is not None:
                break
            time.sleep(0.25)
        door.touch()
        assert resumed.wait(timeout=200) == 0, output.read_text()
    finally:
        if resumed.poll() is None:
            os.killpg(resumed.pid, signal.SIGKILL)
    assert "going on after" in output.read_text()
    entries = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    evaluated = [entry for entry in entries if entry["kind"] == "evaluation"]
    assert [(e["n"], e["unscored"], e["counts"]) for e in evaluated] == [(6, 0, True)] * 2
    assert len(rows(run / "record" / before)) == 6
    known = read(run / "record" / before).values()
    calls = [(each.name, call.key) for each in known for call in each.calls]
    assert len(calls) == len(set(calls)) > 0, "no call was made twice, whatever the judge did"

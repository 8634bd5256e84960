"""A run that was killed, again and again, ends as one that was left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from launched import run_program

from rl.run.record import rows
from rl.studies.killing import compared, untimed, weights

pytestmark = pytest.mark.integration


def test_weights_metrics_and_rollouts_are_those_of_a_run_left_alone(
    killed_runs: Path, moments_seed: int
) -> None:
    whole, killed = killed_runs / "whole", killed_runs / "killed"
    assert len((killed_runs / "kills.jsonl").read_text().splitlines()) == 3, f"seed {moments_seed}"
    assert weights(whole) == weights(killed), f"seed {moments_seed}"
    assert untimed(whole) == untimed(killed), f"seed {moments_seed}"
    for batch in batches(whole):
        ours, theirs = (outcomes(run / "record" / batch) for run in (whole, killed))
        assert ours == theirs, f"{batch}, seed {moments_seed}"
    assert batches(killed) == batches(whole)


def batches(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "record").iterdir() if path.is_dir())


def outcomes(batch: Path) -> list[object]:
    """What the policy said, what the tools answered and what that earned, run by run."""
    found: list[object] = []
    for row in rows(batch):
        turns = row["state"]["turns"]
        said = [(call["token_ids"], call["logprobs"]) for t in turns for call in t["planner"]]
        used = [
            (call["tool"], call["arguments"], call["status"]) for t in turns for call in t["calls"]
        ]
        found.append((row["id"], row["number"], row["reward"], row["attempts"], said, used))
    assert found
    return found


def test_the_model_is_asked_only_what_had_not_been_answered(
    killed_runs: Path, moments_seed: int
) -> None:
    found = compared(killed_runs / "whole", killed_runs / "killed", killed_runs / "kills.jsonl")
    assert found["over_least"] <= 1.02, f"{found}, seed {moments_seed}"
    assert found["calls_under_way_at_kills"] <= 3, f"one an engine at a time; seed {moments_seed}"


def test_a_resumed_run_leaves_a_complete_folder(killed_runs: Path) -> None:
    whole, killed = (
        {p.name for p in (killed_runs / name).iterdir()} for name in ("whole", "killed")
    )
    assert whole == killed
    summary = json.loads((killed_runs / "killed" / "summary.json").read_text())
    kept = json.loads((killed_runs / "whole" / "summary.json").read_text())
    same = ("heldout_before", "heldout_after", "best_step", "policy_versions_seen", "steps")
    assert {name: summary[name] for name in same} == {name: kept[name] for name in same}
    checkpoints = killed_runs / "killed" / "checkpoints" / "_actor"
    assert sorted(p.name for p in checkpoints.iterdir()) == [".partial", "global_step3", "latest"]
    assert list((killed_runs / "killed" / "tensorboard").rglob("events*"))


def test_a_run_that_is_done_starts_nothing_and_gets_the_report_that_a_kill_cost_it(
    killed_runs: Path,
) -> None:
    whole = killed_runs / "whole"
    log, report = (whole / "log.txt").read_bytes(), whole / "report.html"
    report.unlink()
    done = run_program("-m", "rl.train", "--resume", str(whole))
    assert done.returncode == 0, done.stderr
    assert f"{whole} is done; open {report}" in done.stdout
    assert (whole / "log.txt").read_bytes() == log
    assert report.stat().st_size > 0


def test_a_new_run_in_an_old_folder_is_shown_the_way(killed_runs: Path) -> None:
    config = ["--config", "rl/configs/nano.yaml", f"run={killed_runs / 'whole'}"]
    done = run_program("-m", "rl.train", *config)
    assert done.returncode == 2
    assert f"python -m rl.train --resume {killed_runs / 'whole'}" in done.stderr

"""A run that was killed, again and again, ends as one that was left alone."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from launched import ROOT, run_program, write_questions

from rl.run.record import TrainingRecord, rows
from rl.studies.killing import KINDS, compared, drawn, run_to_the_end, untimed, weights

pytestmark = pytest.mark.integration

SEED = random.SystemRandom().randrange(10**6)
"""Of the moments; shown where a test fails."""


@pytest.fixture(scope="module")
def runs(warm_planner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    settings = {
        "steps": 4,
        "save_every": 3,
        "deterministic": "true",
        "model.path": warm_planner,
        "data.train": write_questions(folder / "train.jsonl", "train", 16, seed=1),
        "data.heldout": write_questions(folder / "heldout.jsonl", "heldout", 6),
        "rollout.questions": 4,
        "rollout.group_size": 4,
        "evaluation.every": 2,
        "evaluation.greedy": "false",
        "optimizer.batch_rows": 16,
        "optimizer.micro_batch": 16,
        "optimizer.warmup": 4,
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    config = ["--config", str(ROOT / "rl" / "configs" / "nano.yaml"), *words]
    whole, killed = folder / "whole", folder / "killed"
    run_to_the_end(whole, [*config, f"run={whole}"], [], folder / "none.jsonl")
    calls, rng = TrainingRecord(whole / "record").calls()[0], random.Random(SEED)
    plan = drawn(rng.sample(KINDS, len(KINDS)), calls, rng)
    run_to_the_end(killed, [*config, f"run={killed}"], plan, folder / "kills.jsonl")
    return folder


def test_weights_metrics_and_rollouts_are_those_of_a_run_left_alone(runs: Path) -> None:
    whole, killed = runs / "whole", runs / "killed"
    assert len((runs / "kills.jsonl").read_text().splitlines()) == 3, f"seed {SEED}"
    assert weights(whole) == weights(killed), f"seed {SEED}"
    assert untimed(whole) == untimed(killed), f"seed {SEED}"
    for batch in batches(whole):
        ours, theirs = (outcomes(run / "record" / batch) for run in (whole, killed))
        assert ours == theirs, f"{batch}, seed {SEED}"
    assert batches(killed) == batches(whole)


def batches(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "record").iterdir() if path.is_dir())


def outcomes(batch: Path) -> list[object]:
    """What the policy said, what the tools answered and what that earned, run by run."""
    found = []
    for row in rows(batch):
        turns = row["state"]["turns"]
        said = [(call["token_ids"], call["logprobs"]) for t in turns for call in t["planner"]]
        used = [
            (call["tool"], call["arguments"], call["status"]) for t in turns for call in t["calls"]
        ]
        found.append((row["id"], row["number"], row["reward"], row["attempts"], said, used))
    assert found
    return found


def test_the_model_is_asked_only_what_had_not_been_answered(runs: Path) -> None:
    found = compared(runs / "whole", runs / "killed", runs / "kills.jsonl")
    assert found["over_least"] <= 1.02, f"{found}, seed {SEED}"
    assert found["calls_under_way_at_kills"] <= 3, f"one an engine at a time; seed {SEED}"


def test_a_resumed_run_leaves_a_complete_folder(runs: Path) -> None:
    whole, killed = ({p.name for p in (runs / name).iterdir()} for name in ("whole", "killed"))
    assert whole == killed
    summary = json.loads((runs / "killed" / "summary.json").read_text())
    kept = json.loads((runs / "whole" / "summary.json").read_text())
    same = ("heldout_before", "heldout_after", "best_step", "policy_versions_seen", "steps")
    assert {name: summary[name] for name in same} == {name: kept[name] for name in same}
    checkpoints = runs / "killed" / "checkpoints" / "_actor"
    assert sorted(p.name for p in checkpoints.iterdir()) == [".partial", "global_step3", "latest"]
    assert list((runs / "killed" / "tensorboard").rglob("events*"))


def test_a_run_that_is_done_starts_nothing_and_gets_the_report_that_a_kill_cost_it(
    runs: Path,
) -> None:
    whole = runs / "whole"
    log, report = (whole / "log.txt").read_bytes(), whole / "report.html"
    report.unlink()
    done = run_program("-m", "rl.train", "--resume", str(whole))
    assert done.returncode == 0, done.stderr
    assert f"{whole} is done; open {report}" in done.stdout
    assert (whole / "log.txt").read_bytes() == log
    assert report.stat().st_size > 0


def test_a_new_run_in_an_old_folder_is_shown_the_way(runs: Path) -> None:
    config = ["--config", "rl/configs/nano.yaml", f"run={runs / 'whole'}"]
    done = run_program("-m", "rl.train", *config)
    assert done.returncode == 2
    assert f"python -m rl.train --resume {runs / 'whole'}" in done.stderr

"""A run that was left alone and one that was killed: what resuming and verifying are tested on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from launched import ROOT, write_questions
from together import made_once

from rl.run.record import TrainingRecord
from rl.studies.killing import KINDS, drawn, run_to_the_end


@pytest.fixture(scope="session")
def killed_runs(warm_planner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs `whole` and `killed`, equal but for three kills in `kills.jsonl`."""
    return made_once(tmp_path_factory, "runs", lambda folder: _played(folder, warm_planner))


@pytest.fixture(scope="session")
def moments_seed(killed_runs: Path) -> int:
    """Of the moments at which the processes were killed; shown where a test fails."""
    return int((killed_runs / "seed").read_text())


def _played(folder: Path, warm_planner: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    (folder / "seed").write_text(str(seed))
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
        "optimizer.epochs": 2,
        "algorithm.entropy": 0.001,
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    config = ["--config", str(ROOT / "rl" / "configs" / "nano.yaml"), *words]
    whole, killed = folder / "whole", folder / "killed"
    run_to_the_end(whole, [*config, f"run={whole}"], [], folder / "none.jsonl")
    calls, rng = TrainingRecord(whole / "record").calls()[0], random.Random(seed)
    plan = drawn(rng.sample(KINDS, len(KINDS)), calls, rng)
    run_to_the_end(killed, [*config, f"run={killed}"], plan, folder / "kills.jsonl")

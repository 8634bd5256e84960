"""What the integration tests of training share: one small warm-started planner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.almanac.questions import Level, Split, questions
from benchmarks.almanac.world import World

ROOT = Path(__file__).parents[2]
EASY: tuple[Level, ...] = ("arithmetic", "one_hop", "two_hops")


def environment(**more: str) -> dict[str, str]:
    """The environment of a program of ours run from the tree."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run_program(*words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` from the tree's root."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="session")
def warm_planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planner that can copy names and expressions, made in half a minute."""
    folder = tmp_path_factory.mktemp("planner") / "warm"
    code = (
        "from pathlib import Path; from benchmarks.almanac.world import World;"
        "from rl.warmstart import WarmStart, warm_start;"
        "recipe = WarmStart(seed=1, trajectories=1500, steps=350, max_turns=3, threads=2);"
        f"warm_start(recipe, World(), Path({str(folder)!r}))"
    )
    done = run_program("-c", code)
    assert done.returncode == 0, done.stderr
    return folder


def write_questions(path: Path, split: Split, n: int, seed: int = 0) -> Path:
    """Almanac questions of the easy levels as a JSONL file."""
    asked = questions(World(), split, n, seed, EASY)
    rows = [
        {"id": q.id, "question": q.text, "answer": q.answer, "level": q.level} for q in asked
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path

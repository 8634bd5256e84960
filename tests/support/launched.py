"""Programs of ours, run as a user runs them, and questions to give them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.almanac.questions import Level, questions
from benchmarks.almanac.world import Split, World

ROOT = Path(__file__).parents[2]

EASY: tuple[Level, ...] = ("arithmetic", "one_hop", "two_hops")


def environment(**more: str) -> dict[str, str]:
    """The environment of a program of ours run from the tree."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run_program(
    *words: str, timeout: float = 300, modules: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` from the tree's root; it can import what lies in `modules`, too."""
    path = os.pathsep.join(str(folder) for folder in (ROOT, modules) if folder)
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def write_questions(
    path: Path, split: Split, n: int, seed: int = 0, levels: tuple[Level, ...] = EASY
) -> Path:
    """Almanac questions, of the easy levels if no others are named, as a JSONL file."""
    asked = questions(World(), split, n, seed, levels)
    rows = [{"id": q.id, "question": q.text, "answer": q.answer, "level": q.level} for q in asked]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path

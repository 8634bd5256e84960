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


def environment(modules: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a program of ours; it can import the tree, and what lies in `modules`."""
    path = os.pathsep.join(str(folder) for folder in (ROOT, modules) if folder)
    # Threads of OpenMP that wait for each other sleep: beside other tests they would spin for ever.
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, "PYTHONPATH": path, **threads, **more}


def run_program(
    *words: str, timeout: float = 300, modules: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` from the tree's root, to its end."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(modules),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start_program(
    *words: str, output: Path, modules: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start `python WORDS` from the tree's root in a session of its own; it writes to `output`."""
    with output.open("w") as file:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment(modules),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def write_questions(
    path: Path, split: Split, n: int, seed: int = 0, levels: tuple[Level, ...] = EASY
) -> Path:
    """Almanac questions, of the easy levels if no others are named, as a JSONL file."""
    asked = questions(World(), split, n, seed, levels)
    rows = [{"id": q.id, "question": q.text, "answer": q.answer, "level": q.level} for q in asked]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path

"""Importing the agent costs little and needs nothing of the other three packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "ray", "vllm", "transformers", "deepspeed", "openrlhf")
ABOVE_AND_BELOW = ("tools", "rl", "benchmarks")
LOOK = """
import sys, agentflow_graph, agentflow_graph.embed, agentflow_graph.__main__
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def python(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    before = "".join(f"sys.path.insert(0, {str(one)!r})\n" for one in reversed(path))
    return subprocess.run(
        [sys.executable, "-c", f"import sys\n{before}{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_importing_brings_nothing_heavy_and_no_sibling() -> None:
    loaded = set(python(LOOK, ROOT).stdout.split())
    assert "agentflow_graph" in loaded
    assert not loaded & {*HEAVY, *ABOVE_AND_BELOW}


def test_it_imports_beside_another_package_called_tools(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("")
    ask = """
from agentflow_graph.__main__ import main
raise SystemExit(0 if main(["q?", "--set", "planner=openai:x"]) == 2 else 1)
"""
    shown = python(f"import os; os.environ['OPENAI_API_KEY'] = 'k'\n{ask}", tmp_path, ROOT).stderr
    assert "shadows agentflow-graph's" in shown and str(tmp_path) in shown


@pytest.mark.parametrize("module", ["agentflow_graph", "rl", "benchmarks"])
def test_a_python_without_our_parts_is_named(module: str) -> None:
    """`-S` leaves out what is installed, as a Python outside of `.venv` has it."""
    words = [sys.executable, "-S", "-m", module, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {sys.executable} has no ")
    assert "source .venv/bin/activate" in done.stderr and done.stderr.count("\n") == 1

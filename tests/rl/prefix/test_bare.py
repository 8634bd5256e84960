"""The room needs torch and transformers alone: a GPU machine may have nothing else."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from launched import ROOT, run_program
from packaging.requirements import Requirement

PROGRAM = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
import importlib
for name in {modules!r}:
    importlib.import_module(name)
from rl.prefix.check import main
code = main({arguments!r})
ours = {{"rl", "tools", "benchmarks", "agentflow_graph"}}
print(sorted(name for name in sys.modules if name.split(".")[0] in ours and sys.modules[name]))
sys.exit(code)
"""
ARGUMENTS = (
    "--device cpu --size tiny --length 20 --question 4 --memory 5 --last 2 --reply 4 "
    "--groups 1 --runs 2 --rounds 1"
)


def needed(*names: str) -> set[str]:
    """Distributions and all that they require."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := waiting.pop().lower().replace("_", "-")) in found:
            continue
        try:
            asked = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [
            one.name for one in asked if not one.marker or one.marker.evaluate({"extra": ""})
        ]
    return found


def test_torch_and_transformers_are_enough() -> None:
    kept = needed("torch", "transformers", "optree")  # torch uses optree where it is installed
    assert "numpy" in kept
    hidden = {
        name
        for name, owners in packages_distributions().items()
        if not any(owner.lower().replace("_", "-") in kept for owner in owners)
    }
    # Those of transformers' command line, and ours.
    hidden |= {"typer", "pydantic", "agentflow_graph", "benchmarks", "tools"}
    hidden -= {"rl", "__editable__", "_distutils_hack", "pkg_resources", "setuptools"}
    assert {"openrlhf", "ray", "deepspeed", "vllm", "pydantic", "peft", "langgraph"} <= hidden
    files = sorted((ROOT / "rl" / "prefix").glob("[!_]*.py"))
    modules = [f"rl.prefix.{Path(file).stem}" for file in files]
    assert len(modules) > 8
    program = PROGRAM.format(hidden=sorted(hidden), modules=modules, arguments=ARGUMENTS.split())
    done = run_program("-c", program)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == str(sorted(["rl", "rl.prefix", *modules]))

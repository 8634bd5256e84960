"""A real language model learns in the live graph: `make real`, or `python -m rl real`.

SmolLM2-135M-Instruct is fetched, taught the planner's format in a few supervised steps, measured on
held-out questions, trained with Flow-GRPO, measured again, and asked one question step by step.
Interrupted, the same command goes on where it was.

Exit codes: as of `python -m rl.train`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from rl.demo import ask_one, show
from rl.planners.formatstart import FormatStart, format_start
from rl.planners.weights.door import fetch
from rl.settings.config import load
from rl.settings.errors import exit_code
from rl.train import resume, run

CONFIG = Path(__file__).parent / "configs" / "smollm2.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl real", description="Train SmolLM2-135M in the live graph."
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("runs/real"))
    parser.add_argument("--format-steps", type=int, default=FormatStart.steps)
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_intermixed_args(arguments)
    return exit_code(lambda: real(chosen.out, chosen.seed, chosen.format_steps, chosen.overrides))


def real(out: Path, seed: int, format_steps: int, overrides: list[str]) -> None:
    """All of it; what is there already is not made again. Raises what `rl.train.run` raises."""
    begun = time.time()
    weights, planner = out.with_name("smollm2"), out.with_name(f"{out.name}-format")
    if not (out / "config.yaml").exists():
        if not weights.exists():
            fetch("smollm2", weights)
        if not planner.exists():
            settings = load(CONFIG).agent
            known = {name: settings[name] for name in ("layout", "passages", "memory_tokens")}
            format_start(weights, planner, FormatStart(seed=seed, steps=format_steps, **known))
    show(trained(out, planner, seed, overrides))
    ask_one(out / "model", seed)
    print(f"\nAll this took {time.time() - begun:.0f} s.")


def trained(out: Path, planner: Path, seed: int, overrides: list[str]) -> dict[str, Any]:
    """The summary of the run in `out`: begun, gone on with, or done already.

    Raises:
        SettingError: the run that is there has another seed, or other settings are asked of it.
    """
    if not (out / "config.yaml").exists():
        return run(
            load(CONFIG, [f"run={out}", f"model.path={planner}", f"seed={seed}", *overrides])
        )
    there = load(out / "config.yaml").seed
    if there != seed or overrides:
        raise SettingError(
            f"--out {out} holds a run with seed {there}; go on with it without other settings, or "
            "choose another --out"
        )
    return resume(out)


if __name__ == "__main__":
    sys.exit(main())

"""The main job, start to end: `make demo`, or `python -m rl demo [--seed 7] [key=value ...]`.

Makes a planner from nothing, measures it on held-out questions, trains it in the live graph with
Flow-GRPO, measures it again, and asks the trained planner one question step by step.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from agentflow_graph.__main__ import main as ask
from agentflow_graph.errors.outside import guard_output
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import World
from rl.settings.config import load
from rl.settings.errors import exit_code
from rl.train import run

CONFIG = Path(__file__).parent / "configs" / "nano.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m rl demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    chosen = parser.parse_args(arguments)
    return exit_code(lambda: demo(chosen.out, chosen.seed, chosen.overrides))


def demo(out: Path, seed: int, overrides: list[str]) -> None:
    """Warm start, training, and one question; raises what `rl.train.run` raises."""
    begun = time.time()
    planner = out.with_name(f"{out.name}-warmstart")
    for folder in (out, planner):
        set_aside(folder)
    fixed = [f"run={out}", f"model.path={planner}", f"seed={seed}"]
    show(run(load(CONFIG, [*fixed, *overrides])))
    ask_one(out / "model", seed)
    print(f"\nThe whole demo took {time.time() - begun:.0f} s.")


def ask_one(planner: Path, seed: int) -> None:
    """One held-out question, step by step, on the terminal."""
    print("\nOne held-out question, step by step, by the trained planner:\n")
    question = questions(World(), "heldout", 1, 1, ["two_hops_arithmetic"])[0]
    print(f"Question: {question.text}")
    settings = [f"planner=local:{planner}", "max_turns=3", f"seed={seed}"]
    ask([question.text, *(word for pair in settings for word in ("--set", pair))])
    print(f"Right answer: {question.answer}")


def set_aside(folder: Path) -> None:
    """Keep an earlier run under the next free number."""
    if not folder.exists():
        return
    number = 1
    while (kept := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    folder.rename(kept)
    print(f"kept the earlier {folder} as {kept}")


def show(summary: dict[str, Any]) -> None:
    """Before and after, on the terminal."""
    for when in ("before", "after"):
        low, high = summary[f"heldout_{when}_interval"]
        success = summary[f"heldout_{when}"]
        print(f"held-out {when:6} {success:6.1%}   95 % interval {low:.1%} to {high:.1%}")


if __name__ == "__main__":
    sys.exit(main())

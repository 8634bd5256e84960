"""Offline fine-tuning: a planner imitates recorded runs, the planner turns of those that succeeded.

    python -m rl sft --planner runs/warmstart --traces runs/traces --out runs/sft

The traces are a record, or a part of one: that of a training (`RUN/record/train-00040`), or what
`python -m rl traces` made. The loss counts the reply tokens, each given exactly the prompt tokens
under which it was written.

Exit codes: 0 done, 2 a setting or the traces are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.tokens.weights import causal_model
from rl.planners.supervised import Example, Recipe, supervise
from rl.run.export import complete
from rl.run.folder import making
from rl.run.record import Row, rows
from rl.settings.arguments import check_new, check_planner, positive
from rl.settings.errors import exit_code

RECIPE = Recipe(steps=600, lr=1e-3, muon_lr=0.0)
"""Smaller steps than the warm start's: there is a skill to keep."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl sft", description="Fine-tune a planner on recorded successes."
    )
    parser.add_argument("--planner", type=Path, required=True, help="folder to start from")
    parser.add_argument("--traces", type=Path, required=True, help="folder of recorded runs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new planner")
    parser.add_argument("--steps", type=positive, default=RECIPE.steps)
    parser.add_argument("--lr", type=float, default=RECIPE.lr)
    parser.add_argument("--seed", type=int, default=RECIPE.seed)
    parser.add_argument("--threads", type=positive, default=RECIPE.threads)
    chosen = parser.parse_args(arguments)
    recipe = Recipe(chosen.seed, chosen.steps, RECIPE.batch, chosen.lr, 0.0, chosen.threads)
    return exit_code(lambda: fine_tune(chosen.planner, chosen.traces, chosen.out, recipe))


def fine_tune(
    planner: Path, traces: Path, out: Path, recipe: Recipe, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Make a planner in `out` from the one in `planner`; returns what it was taught.

    Raises:
        SettingError: a folder or file is missing or taken, or no trace succeeded.
    """
    check_planner(planner)
    check_new(out)
    found = read(traces)
    right = [trace for trace in found if trace["reward"] == 1.0]
    examples = [example for trace in right for example in turns(trace)]
    if not examples:
        raise SettingError(f"none of the {len(found)} traces in {traces} succeeded: no lesson")
    say(f"{len(right)} of {len(found)} traces succeeded: {len(examples)} planner turns")
    facts = {"traces": len(found), "successes": len(right), "turns": len(examples)}
    facts["steps"] = recipe.steps
    with making(out) as fresh:
        _train(planner, examples, fresh, recipe, say)
        complete(planner, fresh, {"recipe": "sft", "seed": recipe.seed, "sft": facts})
    return facts


def _train(
    planner: Path,
    examples: list[Example],
    out: Path,
    recipe: Recipe,
    say: Callable[[str], None],
) -> None:
    torch.set_num_threads(recipe.threads)
    model: Any = causal_model(planner)
    for step, loss in supervise(model, examples, recipe):
        if step % max(1, recipe.steps // 20) == 0 or step == recipe.steps:
            say(f"sft {step:3}/{recipe.steps}  loss {loss:.3f}")
    model.save_pretrained(out)


def read(folder: Path) -> list[Row]:
    """The traces of a record.

    Raises:
        SettingError: it has none.
    """
    if found := rows(folder):
        return found
    raise SettingError(f"traces {folder} hold no runs; record some with `python -m rl traces`")


def turns(trace: Row) -> list[Example]:
    """The planner's replies of a run, each after its prompt; the loss counts the reply."""
    run = f"{trace['batch']}/{trace['id']}/{trace['number']}"
    calls = [call for turn in trace["state"]["turns"] for call in turn["planner"]]
    return [
        Example(
            call["prompt_ids"] + call["token_ids"],
            [0.0] * len(call["prompt_ids"]) + [1.0] * len(call["token_ids"]),
            run,
        )
        for call in calls
    ]


if __name__ == "__main__":
    sys.exit(main())

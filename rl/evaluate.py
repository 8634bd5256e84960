"""Measure a planner on held-out questions, at one or several turn budgets.

    python -m rl evaluate --planner runs/demo/model --out eval.json --budgets 1,2,3,5
    python -m rl evaluate --planner runs/demo/model --out eval.json --data aime24.jsonl --runs 8

The questions are those of `data.heldout`, or of `--data`: a file whose rows name any rule, or a
world. The graph, the reward and the figures are those of evaluations during training. Writes a list
of them, one for each budget and temperature.

Exit codes: 0 done, 1 the engine failed, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from agentflow_graph.errors.outside import guard_output, hidden_in
from agentflow_graph.models.policy import Sampling
from agentflow_graph.record.artifacts import write_whole
from rl.planners.play import Table, check_known, load_config, with_table
from rl.questions import data
from rl.reward.task import Task
from rl.run.metrics import evaluation
from rl.settings.arguments import check_new, numbers, planner_parser, positive
from rl.settings.config import Config
from rl.settings.errors import exit_code
from rl.settings.measures import HELDOUT


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = planner_parser("python -m rl evaluate", "Success of a planner, as JSON.")
    parser.add_argument("--budgets", type=numbers, default=[3], help="most turns, as in 1,2,3,5")
    parser.add_argument("--greedy", action="store_true", help="also measure greedy replies")
    parser.add_argument("--questions", type=positive, help="at most; data.heldout_n")
    parser.add_argument("--runs", type=positive, default=1, help="of each, k of avg@k and pass@k")
    chosen = parser.parse_args(arguments)
    return exit_code(
        lambda: measure(chosen, load_config(chosen.planner, chosen.overrides, chosen.config))
    )


def measure(chosen: argparse.Namespace, config: Config) -> None:
    """Write the evaluations that the command line asks for.

    Raises:
        SettingError: the file exists already.
    """
    out: Path = chosen.out
    check_new(out)
    temperatures = [config.evaluation.temperature] + [0.0] * chosen.greedy
    asked = _asked(chosen, config)
    if chosen.teacher:
        check_known(config.world, asked)
    work = partial(_all, config, asked, chosen.runs, chosen.budgets, temperatures)
    found = with_table(config, chosen.seed, chosen.teacher, out.with_suffix(".log"), work)
    write_whole(out, (json.dumps(hidden_in(found), indent=2) + "\n").encode())
    for each in found:
        low, high = each["interval"]
        how = f"T={each['temperature']}" if each["temperature"] else "greedy"
        passes = "".join(f"  pass@{k} {v[0]:.3f}" for k, v in each.get("pass_at", {}).items())
        of = f"{each['success']:.3f} [{low:.3f}, {high:.3f}]{passes}"
        print(f"{each['max_turns']} turns, {how}: {of}")


def _asked(chosen: argparse.Namespace, config: Config) -> list[Task]:
    given = {"questions": chosen.data, "n": chosen.questions}
    told = {name: value for name, value in given.items() if value}
    return data.heldout(config, config.sets[HELDOUT].model_copy(update=told))


async def _all(
    config: Config,
    asked: list[Task],
    runs_each: int,
    budgets: list[int],
    temperatures: list[float],
    table: Table,
) -> list[dict[str, Any]]:
    found = []
    for budget, temperature in product(budgets, temperatures):
        begun = time.time()
        tasks = [task for task in asked for _ in range(runs_each if temperature else 1)]
        runs = await table.play(tasks, Sampling(temperature, config.rollout.reply_tokens), budget)
        figures = evaluation(temperature, runs, time.time() - begun, config.evaluation)
        found.append({"max_turns": budget, **figures})
    return found


if __name__ == "__main__":
    sys.exit(main())

"""Measure a planner on the almanac's held-out questions, at one or several turn budgets.

    python -m rl.evaluate --planner runs/demo/model --out eval.json --budgets 1,2,3,5

The questions, the graph, the reward and the figures are those of evaluations during training.
Writes a list of them, one for each budget and temperature.

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
from rl.planners.play import Table, load_config, with_table
from rl.questions import data
from rl.run.metrics import evaluation
from rl.settings.arguments import check_new, numbers, planner_parser
from rl.settings.config import Config
from rl.settings.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = planner_parser("python -m rl.evaluate", "Held-out success of a planner, as JSON.")
    parser.add_argument("--budgets", type=numbers, default=[3], help="most turns, as in 1,2,3,5")
    parser.add_argument("--greedy", action="store_true", help="also measure greedy replies")
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
    work = partial(_all, config, chosen.budgets, temperatures)
    found = with_table(config, chosen.seed, chosen.teacher, out.with_suffix(".log"), work)
    write_whole(out, (json.dumps(hidden_in(found), indent=2) + "\n").encode())
    for each in found:
        low, high = each["interval"]
        how = f"T={each['temperature']}" if each["temperature"] else "greedy"
        print(f"{each['max_turns']} turns, {how}: {each['success']:.3f} [{low:.3f}, {high:.3f}]")


async def _all(
    config: Config, budgets: list[int], temperatures: list[float], table: Table
) -> list[dict[str, Any]]:
    asked = data.almanac("heldout", config.data.heldout_n, config.seed, world=config.world)
    found = []
    for budget, temperature in product(budgets, temperatures):
        begun = time.time()
        runs = await table.play(asked, Sampling(temperature, config.rollout.reply_tokens), budget)
        figures = evaluation(temperature, runs, time.time() - begun, config.evaluation)
        found.append({"max_turns": budget, **figures})
    return found


if __name__ == "__main__":
    sys.exit(main())

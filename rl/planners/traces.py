"""Record runs of the graph on training questions of the almanac, as a JSONL file of trajectories.

    python -m rl traces --planner runs/warmstart --out own.jsonl --questions 640 --group 8
    python -m rl traces --planner runs/warmstart --out teacher.jsonl --questions 640 --teacher

The first samples the planner itself as training does, the second lets the almanac's oracle play
through the same graph in the planner's tokens. Training questions only: none is held out.

Exit codes: 0 done, 1 the engine failed, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agentflow_graph.models.policy import Sampling
from rl.planners.play import Table, configured, seated
from rl.questions import data
from rl.rollout import Trajectory
from rl.run.metrics import line, outcome
from rl.settings.arguments import check_new, playing, positive
from rl.settings.config import Config
from rl.settings.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = playing("python -m rl traces", "Record runs of a planner, or of the oracle, as JSONL.")
    parser.add_argument("--questions", type=positive, default=640)
    parser.add_argument("--group", type=positive, default=1, help="runs of each question")
    chosen = parser.parse_args(arguments)
    return exit_code(lambda: record(chosen, configured(chosen.planner, chosen.overrides)))


def record(chosen: argparse.Namespace, config: Config) -> None:
    """Write the file that the command line asks for.

    Raises:
        SettingError: the file exists already.
    """
    out: Path = chosen.out
    check_new(out)
    asked = data.almanac("train", chosen.questions, chosen.seed)
    asked = [task for task in asked for _ in range(chosen.group)]
    sampling = Sampling(config.rollout.temperature, config.rollout.reply_tokens)

    async def play(table: Table) -> list[Trajectory]:
        return await table.play(asked, sampling)

    runs = seated(config, chosen.seed, chosen.teacher, out.with_suffix(".log"), play)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_suffix(".new")
    fresh.write_bytes(b"".join(line(run) for run in runs))
    fresh.rename(out)
    found = outcome(runs)
    print(f"{len(runs)} runs, {found['failed']} failed, reward {found['reward']:.3f}: {out}")


if __name__ == "__main__":
    sys.exit(main())

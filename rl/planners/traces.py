"""Record runs of the graph on questions, as a folder that `python -m rl sft` learns from.

    python -m rl traces --planner runs/warmstart --out runs/own --questions 640 --group 8
    python -m rl traces --planner runs/warmstart --out runs/teacher --questions 640 --teacher

    python -m rl traces --config rl/configs/hard-nano.yaml --planner runs/hard-warmstart ...
    python -m rl traces --planner runs/real/model --out runs/own --data mine.parquet --group 4

The first samples the planner itself as training does, the second lets the almanac's oracle play
through the same graph in the planner's tokens. Of a world they are training questions, none held
out; of a file, which may name any rule in a row, the first ones.

Exit codes: 0 done, 1 the engine failed, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from agentflow_graph.errors.outside import guard_output
from agentflow_graph.models.policy import Sampling
from agentflow_graph.record import Record
from benchmarks.worlds import WORLDS
from rl.planners.play import Table, check_known, load_config, with_table
from rl.questions import data
from rl.questions.files import every
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.run.metrics import outcome
from rl.settings.arguments import check_new, planner_parser, positive
from rl.settings.config import Config
from rl.settings.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = planner_parser("python -m rl traces", "Record runs of a planner, or of the oracle.")
    parser.add_argument("--questions", type=positive, default=640)
    parser.add_argument("--group", type=positive, default=1, help="runs of each question")
    chosen = parser.parse_args(arguments)
    return exit_code(
        lambda: record(chosen, load_config(chosen.planner, chosen.overrides, chosen.config))
    )


def record(chosen: argparse.Namespace, config: Config) -> None:
    """Write the record that the command line asks for.

    Raises:
        SettingError: the folder exists already.
    """
    out: Path = chosen.out
    check_new(out)
    asked = _asked(chosen, config)
    if chosen.teacher:
        check_known(config.world, asked)
    asked = [task for task in asked for _ in range(chosen.group)]
    sampling = Sampling(config.rollout.temperature, config.rollout.reply_tokens)

    # A kill leaves the folder under another name: what stands at `out` is whole.
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    kept = Record(partial)

    async def play(table: Table) -> list[Trajectory]:
        return await table.play(asked, sampling, record=kept)

    runs = with_table(config, chosen.seed, chosen.teacher, out.with_suffix(".log"), play)
    kept.close()
    partial.rename(out)
    found = outcome(runs)
    print(f"{len(runs)} runs, {found['failed']} failed, reward {found['reward']:.3f}: {out}")


def _asked(chosen: argparse.Namespace, config: Config) -> list[Task]:
    given = chosen.data or config.world.name
    if world := WORLDS.get(given):
        return data.almanac("train", chosen.questions, chosen.seed, config.data.levels, world)
    return every(Path(given))[: chosen.questions]


if __name__ == "__main__":
    sys.exit(main())

"""Record runs of the graph on training questions of the almanac, as a JSONL file of trajectories.

    python -m rl.traces --planner runs/warmstart --out own.jsonl --questions 640 --group 8
    python -m rl.traces --planner runs/warmstart --out teacher.jsonl --questions 640 --teacher

The first samples the planner itself as training does, the second lets the almanac's oracle play
through the same graph in the planner's tokens. Training questions only: none is held out.

Exit codes: 0 done, 1 the engine failed, 2 a setting is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.policy import Sampling
from rl import data
from rl.arguments import positive
from rl.config import Config, load
from rl.metrics import line, outcome
from rl.play import Table
from rl.quiet import noise_to
from rl.rollout import Trajectory
from rl.train import exit_code

NANO = Path(__file__).parent / "configs" / "nano.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m rl.traces", description="Record runs of a planner, or of the oracle."
    )
    parser.add_argument("--planner", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=positive, default=640)
    parser.add_argument("--group", type=positive, default=1, help="runs of each question")
    parser.add_argument("--teacher", action="store_true", help="the oracle answers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as of rl.train")
    chosen = parser.parse_args(arguments)
    return exit_code(lambda: record(chosen, configured(chosen.planner, chosen.overrides)))


def configured(planner: Path, overrides: Sequence[str]) -> Config:
    """The training configuration under which the planner is run: nano.yaml with `overrides`.

    Raises:
        SettingError: the planner is no model folder, or an override is wrong.
    """
    if not (planner / "config.json").exists():
        raise SettingError(f"planner {planner} has no config.json; name a planner's folder")
    return load(NANO, [f"model.path={planner}", *overrides])


def record(chosen: argparse.Namespace, config: Config) -> None:
    """Write the file that the command line asks for.

    Raises:
        SettingError: the file exists already.
    """
    if chosen.out.exists():
        raise SettingError(f"out={chosen.out} exists; choose another file or remove it")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    asked = data.almanac("train", chosen.questions, chosen.seed)
    asked = [task for task in asked for _ in range(chosen.group)]
    sampling = Sampling(config.rollout.temperature, config.rollout.max_tokens)

    def play(table: Table) -> list[Trajectory]:
        return asyncio.run(table.play(asked, sampling))

    if chosen.teacher:
        runs = play(Table.set(chosen.planner, None, config.context()))
    else:
        with noise_to(chosen.out.with_suffix(".log")):
            from rl.adapter.session import session

            with session(chosen.planner, config.rollout.window, chosen.seed) as client:
                runs = play(Table.set(chosen.planner, client, config.context()))
    fresh = chosen.out.with_suffix(".new")
    fresh.write_bytes(b"".join(line(run) for run in runs))
    fresh.rename(chosen.out)
    found = outcome(runs)
    print(f"{len(runs)} runs, {found['failed']} failed, reward {found['reward']:.3f}: {chosen.out}")


if __name__ == "__main__":
    sys.exit(main())

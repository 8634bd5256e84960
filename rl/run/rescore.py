"""Score recorded runs with another reward, without asking their planner, modules or tools.

    python -m rl score runs/nano/record/train-00040 reward.kind=my_package.rewards:brief
    python -m rl score runs/nano/record reward.kind=judge reward.judge=vllm:NAME@URL --out new.jsonl

Prints a line a batch: runs, mean reward as recorded and anew, how many changed, how many have none
now, and the mean of each part of a reward of parts. Runs that came to no answer are counted and
left as they are.

Exit codes: 0 done, 2 a setting is wrong or there are no runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, cast

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import guard_output, hidden_in
from agentflow_graph.record.artifacts import interpreting, write_whole
from agentflow_graph.state import State
from rl.reward import Grade, Reward, reward_of
from rl.reward.grade import OPTIONAL
from rl.reward.task import Task
from rl.run.record import Row, rows
from rl.settings.config import load
from rl.settings.errors import exit_code

CONFIG = Path(__file__).parents[1] / "configs" / "nano.yaml"
"""Its sections other than `reward` are not looked at."""
AT_ONCE = 32


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog="python -m rl score", description="Score recorded runs with another reward."
    )
    parser.add_argument("record", type=Path, metavar="DIR", help="a record or one of its batches")
    parser.add_argument("--out", type=Path, help="JSONL of the new grades, a line a run")
    parser.add_argument("overrides", nargs="*", metavar="reward.key=value")
    args = parser.parse_intermixed_args(arguments)
    return exit_code(lambda: score(args.record, args.overrides, args.out))


def score(record: Path, overrides: Sequence[str], out: Path | None = None) -> list[dict[str, Any]]:
    """Score the finished runs of a record; returns a line a run, as in `--out`.

    Raises:
        SettingError: a setting is wrong, or there are no runs.
    """
    reward = reward_of(load(CONFIG, list(overrides)).reward)
    found = rows(record)
    if not found:
        raise SettingError(f"{record} holds no runs of a training; give RUN/record or a part of it")
    with interpreting(record, "a run there is not as a training leaves it; remove it"):
        lines = [_line(row, grade) for row, grade in asyncio.run(_grades(found, reward))]
    if out:
        write_whole(out, "".join(json.dumps(one) + "\n" for one in hidden_in(lines)).encode())
    for batch in dict.fromkeys(line["batch"] for line in lines):
        of_batch = [line for line in lines if line["batch"] == batch]
        before, now = ([line[name] for line in of_batch] for name in ("recorded", "reward"))
        changed = sum(line["recorded"] != line["reward"] for line in of_batch)
        print(
            f"{batch or 'record':22} {len(now):6} runs  recorded {_mean(before)}  now {_mean(now)}"
            f"  changed {changed}  without a reward {now.count(None)}{_parts(of_batch)}"
        )
    return lines


async def _grades(found: Sequence[Row], reward: Reward) -> list[tuple[Row, Grade | None]]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> tuple[Row, Grade | None]:
        if "answer" not in row["state"]:
            return row, None
        task = Task(
            row["id"], row["state"]["question"], tuple(row["golds"]), row["level"], row["scorer"]
        )
        async with slots:
            return row, await reward(task, cast(State, row["state"]))

    return list(await asyncio.gather(*map(one, found)))


def _line(row: Row, grade: Grade | None) -> dict[str, Any]:
    known = {name: row[name] for name in ("batch", "id", "number")}
    said = grade or Grade(None, "", row["failure"])
    new = {"reward": said.value, "by": said.by, "failure": said.failure}
    more = {name: value for name in OPTIONAL if (value := getattr(said, name))}
    return {**known, "recorded": row["reward"], **new, **more}


def _parts(lines: Sequence[dict[str, Any]]) -> str:
    """The mean of each part of the new reward, if it has parts."""
    names = dict.fromkeys(name for line in lines for name in line.get("parts", {}))
    means = {name: _mean([line.get("parts", {}).get(name) for line in lines]) for name in names}
    return "".join(f"  {name} {mean}" for name, mean in means.items())


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else "-"


if __name__ == "__main__":
    sys.exit(main())

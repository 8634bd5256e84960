"""`run`: a new run of one or more tasks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.models.strings import FORMS
from benchmarks.commands.options import (
    above_zero,
    add_money_limit,
    at_least_zero,
    count,
    from_zero,
    share,
)

SETTING = "a setting of the graph, such as planner=MODEL or max_turns=5; any number of times"
MODEL = "of all four modules and of the tools, with every tool; with --baseline: of it"
JUDGE = f"asked where the rule of an open question says no: {FORMS}"

USUAL: dict[str, object] = {
    "task": [],
    "set": [],
    "subset": "",
    "data": None,
    "limit": None,
    "trials": 1,
    "seed": 0,
    "model": "",
    "temperature": None,
    "baseline": "",
    "judge": "",
    "as_is": False,
    "filter_leaks": False,
    "max_seconds": None,
    "max_tokens": None,
    "prices": None,
    "max_cost": 0.0,
}
"""What a run is told anew, unless it repeats another one."""


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("run", help="run tasks through the graph and score the answers")
    options(parser, spent="of the whole run", tasks="*")
    parser.add_argument(
        "--like", type=Path, metavar="DIR", help="repeat that run: its items and all that it set"
    )
    parser.set_defaults(call=call)


def options(parser: argparse.ArgumentParser, spent: str, tasks: str = "+") -> None:
    """What `study` may be told as well; `spent`: of what --max-money is the limit."""
    named = "names of tasks; `list` shows them"
    parser.add_argument("task", nargs=tasks, metavar="TASK", help=named)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="new folder")
    parser.add_argument(
        "--subset", default="", metavar="NAME", help="agentflow (default), full, or another"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="local data in place of the hub")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N items of each task")
    parser.add_argument("--trials", type=count, default=1, metavar="K", help="of each item")
    parser.add_argument("--concurrency", type=count, default=32, metavar="N", help="items at once")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=SETTING)
    parser.add_argument("--model", default="", metavar="MODEL", help=MODEL)
    parser.add_argument(
        "--temperature", type=from_zero, metavar="T", help="of the planner, or of the baseline"
    )
    parser.add_argument(
        "--baseline",
        nargs="?",
        const="direct",
        default="",
        choices=("direct", "cot"),
        help="the generator alone, no tools; cot: told to think step by step",
    )
    _add_conduct(parser)
    parser.add_argument("--judge", default="", metavar="MODEL", help=JUDGE)
    _add_limits(parser, spent)
    parser.add_argument("--seed", type=at_least_zero, default=0, metavar="N", help="of sampling")


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    """What a run does about what is unfit, leaked or failing."""
    parser.add_argument(
        "--as-is", action="store_true", help="run what is unfit for its task; ask nobody first"
    )
    parser.add_argument(
        "--filter-leaks",
        action="store_true",
        help="keep search results with the item's own question from the agent; else mark them",
    )
    parser.add_argument(
        "--max-failed",
        type=share,
        default=0.5,
        metavar="SHARE",
        help="of the last 20 trials; above it the run pauses, then stops; default: 0.5",
    )


def _add_limits(parser: argparse.ArgumentParser, spent: str) -> None:
    """What an item and a run may take; `spent`: of what the money is the limit."""
    parser.add_argument("--max-seconds", type=above_zero, metavar="S", help="of one item")
    parser.add_argument("--max-tokens", type=count, metavar="N", help="of one item")
    add_money_limit(parser, spent, 0.0)
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="prices over those known: docs/costs.md"
    )


def call(args: argparse.Namespace) -> int:
    """Check everything, then run."""
    from benchmarks.commands.outcome import finish
    from benchmarks.runner.preflight.checks import prepare, repeat
    from benchmarks.runner.run import start
    from benchmarks.runner.store.folder import Folder
    from benchmarks.tasks.registry import registry

    if args.like:
        _must_be_alone(args)
        request, items, judge = repeat(args.run, args.like)
    elif args.task:
        request, items, judge = prepare(args)
    else:
        raise SettingError("no task is named: give some of `list`, or --like DIR")
    folder = Folder(args.run)
    return finish(folder, start(folder, request, items, registry(), judge=judge))


def _must_be_alone(args: argparse.Namespace) -> None:
    """Raises SettingError where --like is given with what it takes from the other run."""
    given = [name for name, usual in USUAL.items() if getattr(args, name) != usual]
    if given:
        names = ", ".join(name.replace("_", "-") for name in given)
        raise SettingError(f"--like {args.like} repeats a run as it was: leave out {names}")

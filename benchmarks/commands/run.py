"""`run`: a new run of one or more tasks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agentflow_graph.models.strings import FORMS
from benchmarks.commands.options import above_zero, at_least_zero, count

SETTING = "a setting of the graph, such as planner=MODEL or max_turns=5; any number of times"
JUDGE = f"asked where the rule of an open question says no: {FORMS}"


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("run", help="run tasks through the graph and score the answers")
    options(parser, spent="of the whole run")
    parser.set_defaults(call=call)


def options(parser: argparse.ArgumentParser, spent: str) -> None:
    """What `study` may be told as well; `spent`: of what --max-cost is the limit."""
    parser.add_argument("task", nargs="+", metavar="TASK", help="names of tasks; `list` shows them")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="new folder")
    parser.add_argument(
        "--subset", default="", metavar="NAME", help="agentflow (default), full, or another"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="local data in place of the hub")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N items of each task")
    parser.add_argument("--trials", type=count, default=1, metavar="K", help="of each item")
    parser.add_argument("--concurrency", type=count, default=32, metavar="N", help="items at once")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=SETTING)
    parser.add_argument("--baseline", action="store_true", help="the generator alone, no tools")
    parser.add_argument("--judge", default="", metavar="MODEL", help=JUDGE)
    parser.add_argument("--max-seconds", type=above_zero, metavar="S", help="of one item")
    parser.add_argument("--max-tokens", type=count, metavar="N", help="of one item")
    parser.add_argument("--max-cost", type=above_zero, default=0.0, metavar="USD", help=spent)
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="dollars per million tokens (TOML)"
    )
    parser.add_argument("--seed", type=at_least_zero, default=0, metavar="N", help="of sampling")


def call(args: argparse.Namespace) -> int:
    """Check everything, then run."""
    from benchmarks.commands.outcome import finish
    from benchmarks.runner.preflight.checks import prepare
    from benchmarks.runner.run import start
    from benchmarks.runner.store.folder import Folder
    from benchmarks.tasks.registry import registry

    request, items, judge = prepare(args)
    folder = Folder(args.run)
    return finish(folder, start(folder, request, items, registry(), judge=judge))

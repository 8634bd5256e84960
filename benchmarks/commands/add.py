"""`add`: more trials, items or tasks for a run; what it has already does not run again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.commands.options import add_money_limit, count


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("add", help="add trials, items or tasks to a run")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument(
        "task",
        nargs="*",
        metavar="TASK",
        help="new tasks, or those that get more items; default: all of the run's",
    )
    parser.add_argument("--trials", type=count, metavar="K", help="of each item, all in all")
    parser.add_argument("--subset", default="", metavar="NAME", help="default: as in the run")
    parser.add_argument("--data", type=Path, metavar="DIR", help="local data in place of the hub")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N items of each task")
    add_money_limit(parser, "another limit of the whole run")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Check everything again, let the run grow, then run what is missing."""
    from benchmarks.commands.resume import go_on
    from benchmarks.items.data import PAPER
    from benchmarks.runner.growing import grown, with_data
    from benchmarks.runner.preflight.checks import needs_inspect, selections
    from benchmarks.runner.store.folder import Folder

    needs_inspect()
    folder = Folder(args.run)
    request, items = folder.request(), folder.items()
    more = bool(args.task or args.subset or args.limit or args.data)
    if not more and not args.trials:
        raise SettingError("nothing is named to add: give --trials, --limit, --subset or tasks")
    tasks = dict.fromkeys(args.task or request.subsets) if more else {}
    subsets = {task: args.subset or request.subsets.get(task, PAPER) for task in tasks}
    chosen = selections(subsets, args.data, args.limit, request.commits)
    wanted = {task: (subsets[task], each.by_id) for task, each in chosen.items()}
    told = {task: each.described for task, each in chosen.items()}
    larger, more_items = grown(request, items, args.trials or request.trials, wanted)
    with folder.locked():
        folder.create(with_data(larger, told), more_items)
    return go_on(folder, max_cost=args.max_cost)

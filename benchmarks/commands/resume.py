"""`resume`: go on with a run that was broken off; errored trials are tried again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import above_zero


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("resume", help="go on with a run that was broken off")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument(
        "--max-cost", type=above_zero, metavar="USD", help="another limit of the whole run"
    )
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Check everything again, then run what is missing."""
    from benchmarks.commands.outcome import finish
    from benchmarks.runner.folder import Folder
    from benchmarks.runner.preflight import check, needs_inspect
    from benchmarks.runner.run import resume
    from benchmarks.tasks.registry import registry

    needs_inspect()
    folder = Folder(args.run)
    request = folder.request()
    request = request.costing(args.max_cost) if args.max_cost else request
    judge = check(request)
    work = resume(folder, registry(), judge=judge, max_cost=args.max_cost)
    return finish(folder, work)

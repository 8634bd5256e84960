"""`predictions`: a run's answers as leaderboards and official scripts want them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import SCORING, at_least_zero, count


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser(
        "predictions", help="answers for GAIA's leaderboard, HotpotQA's and MuSiQue's scripts"
    )
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--trial", type=count, default=1, metavar="K", help="default: the first")
    parser.add_argument("--scoring", type=at_least_zero, metavar="N", help=SCORING)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Write the files into the run's folder."""
    from agentflow_graph.record.artifacts import write_all
    from benchmarks.report.several.predictions import predictions
    from benchmarks.runner.store.folder import Folder
    from benchmarks.runner.store.session import read_session

    session = read_session(args.run, args.scoring)
    found = predictions(session, Folder(args.run).items(), args.trial)
    files = write_all(args.run / "predictions", {n: text.encode() for n, text in found.items()})
    print("\n".join(map(str, files)))
    empty = sum(each.score is None and each.trial == args.trial for each in session.results)
    if empty:
        print(f"{empty} trials have no score; their answers are empty")
    return 0

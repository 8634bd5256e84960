"""`score`: score the stored answers again, by today's rules or another judge.

The graph does not run. The former scores stay on record; what is shown is the scoring that became
complete last.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.commands.options import at_least_zero
from benchmarks.commands.run import JUDGE


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("score", help="score the stored answers again")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--judge", default="", metavar="MODEL", help=JUDGE)
    parser.add_argument(
        "--scoring", type=at_least_zero, metavar="N", help="complete this one, by its own judge"
    )
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Score and say what changed."""
    from benchmarks.errors import RunStopped
    from benchmarks.runner.run import score
    from benchmarks.runner.store.folder import Folder
    from benchmarks.runner.store.session import scoring_of
    from benchmarks.scoring.judge import Judge
    from benchmarks.tasks.registry import registry

    name = args.judge
    if args.scoring is not None:
        _, name = scoring_of(args.run, args.scoring)
        if args.judge not in ("", name):
            raise SettingError(
                f"scoring {args.scoring} is by {name or 'rules alone'}, not by {args.judge}; leave "
                "--scoring out for another scoring"
            )
    judge = Judge.of(name) if name else None
    try:
        number, unscored = asyncio.run(score(Folder(args.run), registry(), judge, args.scoring))
    except RunStopped as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print_scorings(args.run)
    if unscored:
        print(
            f"{unscored} answers could not be scored; the same command tries them again, in "
            f"scoring {number}",
            file=sys.stderr,
        )
    return 1 if unscored else 0


def _print_scorings(run: Path) -> None:
    from benchmarks.runner.store.session import read_session, scorings

    shown = read_session(run).scoring
    for number in scorings(run):
        session = read_session(run, number)
        right = sum(result.score == 1.0 for result in session.results)
        by = session.judge or "rules alone"
        star = ", shown" if number == shown else ""
        print(f"scoring {number}: {right} of {len(session.results)} right ({by}{star})")

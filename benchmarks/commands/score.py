"""`score`: score the stored answers again, by today's rules or another judge.

The graph does not run. The former scores stay on record; the report reads the latest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from benchmarks.commands.run import JUDGE


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("score", help="score the stored answers again")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--judge", default="", metavar="MODEL", help=JUDGE)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Score and say what changed."""
    from benchmarks.errors import RunStopped
    from benchmarks.runner.folder import Folder
    from benchmarks.runner.run import score
    from benchmarks.runner.session import read_session
    from benchmarks.scoring.judge import Judge
    from benchmarks.tasks.registry import registry

    judge = Judge.of(args.judge) if args.judge else None
    try:
        number, unscored = asyncio.run(score(Folder(args.run), registry(), judge))
    except RunStopped as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for scoring in range(number + 1):
        session = read_session(args.run, scoring)
        right = sum(result.score == 1.0 for result in session.results)
        by = session.judge or "rules alone"
        print(f"scoring {scoring}: {right} of {len(session.results)} right ({by})")
    if unscored:
        print(f"{unscored} answers could not be scored; score again", file=sys.stderr)
    return 1 if unscored else 0

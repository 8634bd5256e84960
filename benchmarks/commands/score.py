"""`score`: mark the stored answers anew, by today's rules or another judge; the graph does not run.

The marks stand beside the former ones, and the report reads the latest.
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
    parser = subparsers.add_parser("score", help="mark the stored answers anew")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--judge", default="", metavar="MODEL", help=JUDGE)
    parser.set_defaults(call=call)


def call(asked: argparse.Namespace) -> int:
    """Mark and say what changed."""
    from benchmarks.errors import RunStopped
    from benchmarks.runner.folder import Folder
    from benchmarks.runner.run import score
    from benchmarks.runner.session import read_session
    from benchmarks.scoring.judge import Judge
    from benchmarks.tasks.registry import registry

    judge = Judge.of(asked.judge) if asked.judge else None
    try:
        number, unmarked = asyncio.run(score(Folder(asked.run), registry(), judge))
    except RunStopped as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for scoring in range(number + 1):
        session = read_session(asked.run, scoring)
        right = sum(result.score == 1.0 for result in session.results)
        by = session.judge or "rules alone"
        print(f"scoring {scoring}: {right} of {len(session.results)} right ({by})")
    if unmarked:
        print(f"{unmarked} answers could not be marked; score again", file=sys.stderr)
    return 1 if unmarked else 0

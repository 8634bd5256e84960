"""`compare`: two runs item by item, with a paired test."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.commands.options import ANY_JUDGE, SCORING, at_least_zero


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("compare", help="compare two runs item by item")
    parser.add_argument("first", type=Path, metavar="DIR_A", help="folder of a run")
    parser.add_argument("second", type=Path, metavar="DIR_B", help="folder of the run held to it")
    parser.add_argument("--scoring", type=at_least_zero, metavar="N", help=f"of DIR_A: {SCORING}")
    parser.add_argument("--second-scoring", type=at_least_zero, metavar="N", help="of DIR_B")
    parser.add_argument("--any-judge", action="store_true", help=ANY_JUDGE)
    parser.add_argument("--json", action="store_true", help="with every item that changed")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Print the comparison."""
    from benchmarks.report.compare import text
    from benchmarks.report.numbers.pairing import compare, same_judge
    from benchmarks.runner.store.session import read_session

    first = read_session(args.first, args.scoring)
    second = read_session(args.second, args.second_scoring)
    if not args.any_judge:
        same_judge(first, second)
    found = compare(first, second)
    print(json.dumps(asdict(found), indent=2) if args.json else text(found))
    return 0

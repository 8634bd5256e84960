"""`compare`: two runs item by item, with a paired test."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("compare", help="compare two runs item by item")
    parser.add_argument("first", type=Path, metavar="DIR_A", help="folder of a run")
    parser.add_argument("second", type=Path, metavar="DIR_B", help="folder of the run held to it")
    parser.add_argument("--json", action="store_true", help="with every item that changed")
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Print the comparison."""
    from benchmarks.report.compare import compare, text
    from benchmarks.runner.session import read_session

    found = compare(read_session(args.first), read_session(args.second))
    print(json.dumps(asdict(found), indent=2) if args.json else text(found))
    return 0

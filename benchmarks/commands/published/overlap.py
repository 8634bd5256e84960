"""`overlap`: which questions of the benchmarks training has seen.

It ends with 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentflow_graph.errors import SettingError

if TYPE_CHECKING:
    from benchmarks.contamination.overlap import Overlap

SHOWN = 20
"""Questions of a task that are printed; --json has them all."""
ROWS = 3
"""Training rows named for each."""


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("overlap", help="training questions that a benchmark asks too")
    parser.add_argument("train", type=Path, nargs="+", metavar="TRAIN", help=_FILES)
    parser.add_argument("--data", type=Path, metavar="DIR", help="local data in place of the hub")
    parser.add_argument("--subset", default="full", metavar="NAME", help="default: full")
    parser.add_argument("--json", action="store_true", help="every question, as JSON")
    parser.set_defaults(call=call)


_FILES = "training files (.jsonl, .json, .csv, .parquet), then names of tasks"


def call(args: argparse.Namespace) -> int:
    """Look, and print; 1 if anything is shared."""
    from benchmarks.contamination.overlap import Search, overlaps, texts_of
    from benchmarks.items.data import load, must_be_folder
    from benchmarks.tasks.registry import benchmark, registry

    must_be_folder(args.data)
    names = [str(each) for each in args.train]
    tasks = [name for name in names if name in registry()]
    files = [Path(name) for name in names if name not in registry()]
    if not files or not tasks:
        raise SettingError(
            f"{' '.join(names)} names no {'task' if files else 'training file'}: give training "
            f"files and tasks, such as train.jsonl bamboogle; tasks are {', '.join(registry())}"
        )
    searches = [
        Search(task, load(of, args.subset, args.data), of.gated)
        for task, of in ((name, benchmark(name)) for name in tasks)
    ]
    found = overlaps(searches, texts_of(*files))
    told = [{**asdict(each), "share": each.share} for each in found]
    print(json.dumps(told, indent=2) if args.json else "\n".join(_lines(found)))
    return int(any(each.shared for each in found))


def _lines(found: Sequence[Overlap]) -> Iterator[str]:
    from benchmarks.report.table import render_table, shorten

    head = ["task", "shared", "per cent", "words in a row", "not told"]
    rows = [
        [
            each.task,
            f"{len(each.shared)} of {each.items}",
            f"{100 * each.share:.1f}",
            str(each.n),
            str(each.untold),
        ]
        for each in found
    ]
    yield render_table(head, rows)
    for each in found:
        for one in each.shared[:SHOWN]:
            by = ", ".join(one.rows[:ROWS]) + (", ..." if len(one.rows) > ROWS else "")
            how = "all words" if one.whole else f"{one.words} words"
            yield shorten(f"{one.item}: {how} in {by}{': ' * bool(one.text)}{one.text}", 200)
        if len(each.shared) > SHOWN:
            yield f"{each.task}: and {len(each.shared) - SHOWN} more, see --json"

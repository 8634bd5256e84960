"""`study`: the same items with different budgets of turns; what more turns are worth.

The same command again goes on with what was broken off. Budgets that are finished do not run again.
Budgets may be added, and so may trials (--trials), items (--limit, --subset) and tasks.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.commands.options import SCORING, at_least_zero, count
from benchmarks.commands.run import options


def budgets(text: str) -> list[int]:
    """Whole numbers of 1 or more, separated by commas, as a list that ascends."""
    return sorted({count(part.strip()) for part in text.split(",")})


def add(subparsers: Any) -> None:
    """Make the parser: that of `run`, for the folder holds one run a budget."""
    parser = subparsers.add_parser("study", help="accuracy by budget of turns")
    parser.add_argument(
        "--budgets",
        type=budgets,
        default=[1, 2, 3, 5],
        metavar="1,2,3,5",
        help="turns at most; one run each",
    )
    options(parser, spent="of each budget's run")
    parser.add_argument(
        "--scoring", type=at_least_zero, metavar="N", help=f"of each run: {SCORING}"
    )
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Check everything, run each budget, write the report."""
    from benchmarks.errors import RunStopped
    from benchmarks.report.several.budgets import Step, budget_table, write_study
    from benchmarks.runner.plans.study import Study, commits, folder_of, measure
    from benchmarks.runner.preflight.checks import check, prepare
    from benchmarks.runner.store.session import read_session
    from benchmarks.tasks.registry import registry
    from tools.outcomes.interrupts import tell_instead

    if any(pair.startswith("max_turns=") for pair in args.set):
        raise SettingError("--set max_turns=... is what --budgets varies; leave one of them out")
    # No run of this name exists, so the options are read as those of a new one.
    new = argparse.Namespace(**vars(args) | {"run": args.run / "new"})
    known = commits([folder_of(args.run, n) for n in args.budgets])
    request, items, judge = prepare(new, known)
    study = Study(args.run, tuple(args.budgets), request, items, args.scoring)
    study.check()
    check(study.of(study.budgets[-1]), ask=False)
    tell_instead("interrupted; the same command goes on")
    try:
        missing = asyncio.run(measure(study, registry(), judge=judge))
    except RunStopped as error:
        print(f"stopped: {error} (by the same command)", file=sys.stderr)
        return 1
    steps = [Step.of(n, read_session(study.folder(n).path, args.scoring)) for n in study.budgets]
    files = write_study(args.run, steps, registry())
    print(budget_table(steps, registry()).text)
    print("\n".join(map(str, files)))
    if missing:
        print(f"{missing} trials have no score; the same command tries again", file=sys.stderr)
    return 1 if missing else 0

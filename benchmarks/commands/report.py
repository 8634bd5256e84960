"""`report`: what a run came to, as Markdown, JSON and a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.commands.options import ANY_JUDGE, SCORING, at_least_zero


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("report", help="write report.md, report.json and report.html")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument("--baseline", type=Path, metavar="DIR", help="a run to compare it with")
    parser.add_argument("--scoring", type=at_least_zero, metavar="N", help=SCORING)
    parser.add_argument(
        "--baseline-scoring", type=at_least_zero, metavar="N", help="the same of the baseline"
    )
    parser.add_argument("--any-judge", action="store_true", help=ANY_JUDGE)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Write the files and show the accuracies."""
    from benchmarks.report.content import report_of
    from benchmarks.report.numbers.pairing import same_judge
    from benchmarks.report.report import write_report
    from benchmarks.report.report_tables import accuracy_table, baseline_table
    from benchmarks.runner.run import known
    from benchmarks.runner.store.labels import agreements, write_labels
    from benchmarks.runner.store.session import read_session
    from benchmarks.tasks.registry import registry

    baseline = read_session(args.baseline, args.baseline_scoring) if args.baseline else None
    session = read_session(args.run, args.scoring)
    known(session.subsets, registry())
    if baseline and not args.any_judge:
        same_judge(baseline, session)
    report = report_of(session, registry(), baseline, agreements(args.run, session))
    files = [*write_report(args.run, report), *write_labels(args.run, session)]
    print(accuracy_table(report.summaries, report.benchmarks).text)
    if baseline:
        print(baseline_table(report.pairs, report.benchmarks).text)
    print("\n".join(map(str, files)))
    return 0

"""`resume`: go on with a run that was broken off; errored trials are tried again.

It completes the scoring that is shown: each answer, new or old, is marked there by that scoring's
judge.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.commands.options import SCORING, add_money_limit, at_least_zero

if TYPE_CHECKING:
    from benchmarks.runner.store.folder import Folder

LOG = logging.getLogger(__name__)


def add(subparsers: Any) -> None:
    """Make the parser."""
    parser = subparsers.add_parser("resume", help="go on with a run that was broken off")
    parser.add_argument("run", type=Path, metavar="DIR", help="folder of the run")
    add_money_limit(parser, "another limit of the whole run")
    parser.add_argument("--scoring", type=at_least_zero, metavar="N", help=SCORING)
    parser.set_defaults(call=call)


def call(args: argparse.Namespace) -> int:
    """Check everything again, then run what is missing."""
    from benchmarks.runner.preflight.checks import needs_inspect
    from benchmarks.runner.store.folder import Folder

    needs_inspect()
    return go_on(Folder(args.run), args.max_cost, args.scoring)


def go_on(folder: Folder, max_cost: float | None = None, scoring: int | None = None) -> int:
    """Run what is missing in a folder, in the scoring that is shown; the exit code."""
    from benchmarks.commands.outcome import finish
    from benchmarks.report.numbers.sittings import changed, sitting
    from benchmarks.runner.preflight.checks import check
    from benchmarks.runner.preflight.today import today
    from benchmarks.runner.run import resume
    from benchmarks.runner.store.session import scoring_of
    from benchmarks.tasks.registry import registry

    request = folder.request()
    number, name = scoring_of(folder.path, scoring)
    ready = check(replace(request, judge=name, max_cost=max_cost or request.max_cost))
    told = today(ready)
    for change in changed(sitting(request.provenance), told):
        LOG.warning("not as %s was begun: %s; the report tells both", folder.path, change[:300])
    work = resume(
        folder, registry(), judge=ready.judge, max_cost=max_cost, scoring=number, told=told
    )
    return finish(folder, work, number)

"""`score`: score the stored answers again, by today's rules or another judge.

The graph does not run. The former scores stay on record; what is shown is the scoring that became
complete last.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentflow_graph.errors import SettingError
from benchmarks.commands.options import at_least_zero
from benchmarks.commands.run import JUDGE

if TYPE_CHECKING:
    from benchmarks.runner.store.standing import Standing
    from benchmarks.scoring.judge import Judge


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
    from benchmarks.runner.preflight.pings import judge_pinged
    from benchmarks.runner.preflight.today import scoring_today
    from benchmarks.runner.run import score
    from benchmarks.runner.store.folder import Folder
    from benchmarks.tasks.registry import registry
    from tools.outcomes.interrupts import tell_instead

    folder, judge = Folder(args.run), _judge(args)
    tell_instead("interrupted; the same command goes on, and what is marked stays so")
    asked = judge if judge and not folder.request().as_is else None
    told = scoring_today(asyncio.run(judge_pinged(asked)) if asked else "")
    try:
        work = score(folder, registry(), judge, args.scoring, told)
        number, unscored = asyncio.run(work)
    except RunStopped as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return _told(args.run, number, unscored)


def _judge(args: argparse.Namespace) -> Judge | None:
    """The judge that is named, or that of the scoring which is to be completed."""
    from benchmarks.runner.store.session import scoring_of
    from benchmarks.scoring.judge import Judge

    name = args.judge
    if args.scoring is not None:
        _, name = scoring_of(args.run, args.scoring)
        if args.judge not in ("", name):
            raise SettingError(
                f"scoring {args.scoring} is by {name or 'rules alone'}, not by {args.judge}; leave "
                "--scoring out for another scoring"
            )
    return Judge.of(name) if name else None


def _told(run: Path, number: int, unscored: int) -> int:
    """Say how far each scoring is; the exit code."""
    from benchmarks.runner.store.standing import standings

    found = standings(run)
    for each in found:
        print(_line(each))
    if unscored:
        why = next(each.why for each in found if each.number == number)
        print(
            f"{unscored} answers could not be scored, the first because {why[:300]}; the same "
            f"command tries them again, in scoring {number}",
            file=sys.stderr,
        )
    return 1 if unscored else 0


def _line(of: Standing) -> str:
    """One scoring and what it lacks."""
    text = f"scoring {of.number}: {of.right} of {of.trials} right"
    text += f", {of.unmarked} not marked yet" if of.unmarked else ""
    text += f", {of.unaudited} not audited yet" if of.unaudited else ""
    text += f", {of.missing} without an answer" if of.missing else ""
    return f"{text} ({of.judge or 'rules alone'}{', shown' if of.shown else ''})"

"""How a run ends on the command line: its scores, or how to resume it."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from benchmarks.errors import RunStopped
from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.session import read_session, scoring_of, scorings
from benchmarks.tasks.registry import program
from tools.outcomes.interrupts import tell_instead

SHOWN = 5
"""Kinds of error shown at most."""


def finish(folder: Folder, work: Coroutine[Any, Any, int], scoring: int | None = None) -> int:
    """Do the work; the exit code: 0 complete, 1 something is missing, 130 interrupted."""
    command = f"{program()} resume {folder.path}{_option(folder, scoring)}"
    tell_instead(f"interrupted; go on with `{command}`")
    try:
        missing = asyncio.run(work)
    except RunStopped as error:
        print(f"stopped: {error} (`{command}`)", file=sys.stderr)
        return 1
    _print_scores(folder, scoring)
    if missing:
        print(f"{missing} trials have no score; try them again with `{command}`", file=sys.stderr)
    return 1 if missing else 0


def _option(folder: Folder, scoring: int | None) -> str:
    """What names a scoring that is not the shown one."""
    known = scoring is not None and folder.request_file.exists()
    other = known and scoring != scoring_of(folder.path)[0]
    return f" --scoring {scoring}" if other else ""


def _print_scores(folder: Folder, scoring: int | None) -> None:
    session, option = read_session(folder.path, scoring), _option(folder, scoring)
    if len(scorings(folder.path)) > 1:
        shown = "not the one that is shown" if option else "shown"
        print(f"scoring {session.scoring} ({session.judge or 'rules alone'}, {shown}):")
    for task in session.expected:
        own = [result for result in session.results if result.task == task]
        right = sum(result.score == 1.0 for result in own)
        print(f"{task}: {right} of {len(own)} right ({100 * right / len(own):.1f} %)")
    errors = Counter(result.error for result in session.results if result.error)
    for error, times in errors.most_common(SHOWN):
        print(f"  {times} x {error[:200]}", file=sys.stderr)
    if owed := sum(result.audit_owed for result in session.results):
        print(
            f"  the judge failed to audit {owed} right answers; resume asks again", file=sys.stderr
        )
    print(f"report: {program()} report {folder.path}{option}")
    print(f"view:   {program()} view {folder.path}{option}")

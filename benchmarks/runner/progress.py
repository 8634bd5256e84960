"""How far a run is: a bar on a terminal, elsewhere a plain line every few seconds.

with Progress(total=200, concurrency=32) as progress:
    progress.ended(mark)
"""

from __future__ import annotations

import sys
import time
from asyncio import CancelledError
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from agentflow_graph.errors.outside import unguarded
from benchmarks.runner.store.records import Event, Records
from tools.outcomes.interrupts import pressed

EVERY = 10.0
"""Seconds between two plain lines."""


class Progress:
    """Counts what has ended and shows it on standard error."""

    def __init__(
        self, total: int, records: Records, out: TextIO | None = None, scoring: int = 0
    ) -> None:
        self.total, self._records = total, records
        self.done = self.right = self.errors = 0
        self.interrupted = False
        """Nothing more is to be said."""
        self._out = out or sys.stderr
        self._before = len(records.scored.get(scoring, {}))
        """Recorded already: they come by at once and say nothing of the rate."""
        self._begun = self._shown = time.monotonic()
        self._bar = _bar(self._out) if self._out.isatty() else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._bar.add_task("", total=self.total, tail="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self.done, tail=self.summary())
            self._bar.stop()
        elif not (self.interrupted or pressed()) and kind not in (
            CancelledError,
            KeyboardInterrupt,
        ):
            self._line()

    def ended(self, mark: Event | None) -> None:
        """One trial more; without a mark it is an error."""
        self.done += 1
        if mark is None:
            self.errors += 1
        else:
            self.right += mark["value"] == 1.0
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self.done, tail=self.summary())
        elif time.monotonic() - self._shown >= EVERY:
            self._line()

    def summary(self) -> str:
        """Accuracy so far, errors, rate, cost."""
        # A trial without a mark counts as wrong here as in the report.
        accuracy = f"{100 * self.right / self.done:.1f} % right" if self.done else "none ended"
        fresh = max(0, self.done - self._before)
        rate = fresh / max(1e-6, time.monotonic() - self._begun)
        spent = f", ${self._records.spent:.2f}" if self._records.spent else ""
        return f"{accuracy}, {self.errors} errors, {rate:.1f}/s{spent}"

    def _line(self) -> None:
        self._shown = time.monotonic()
        print(f"{self.done}/{self.total}  {self.summary()}", file=self._out, flush=True)


def _bar(out: TextIO) -> Bar:
    return Bar(
        MofNCompleteColumn(),
        BarColumn(bar_width=None),
        TimeElapsedColumn(),
        TextColumn("{task.fields[tail]}"),
        console=Console(file=unguarded(out)),
        refresh_per_second=4,
    )

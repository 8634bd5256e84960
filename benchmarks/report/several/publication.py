"""What a paper's runs leave: `paper.md`, `.tex`, `.csv`, `.json` and a page, `paper.html`.

Keys of `paper.json`, which stay: `title`, `judge` (null where the runs' differ), `trials`; `runs`,
a list of `arm`, `title`, `paper`, `budget`, `name`, `baseline`, `as_is`, `settings`, `judge`,
`scoring`, `tasks` (by name the fields of a `Summary`); `tests`, a list of `pair`, `task`,
`difference` (the fields of a `Difference`), `corrected`, `least` and `holds`. `paper.csv` is the
main table, with the standard errors in columns of their own; `paper.tex` has all tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.record.artifacts import write_all
from benchmarks.report.numbers.pairing import same_judge
from benchmarks.report.plots import Interval, budget_plot
from benchmarks.report.several.costs import cost_table
from benchmarks.report.several.forms import csv, latex
from benchmarks.report.several.grid import (
    Benchmarks,
    Column,
    Pair,
    Tested,
    in_order,
    judges,
    main_table,
    paired_tests,
    test_table,
    turn_table,
)
from benchmarks.report.table import Table, escape_markdown, many, percent
from benchmarks.report.templates.page import HOUSE, render

TEMPLATE = HOUSE / "paper.html.jinja"
LABELS = {
    "Main results": "main",
    "Differences": "differences",
    "Turn budgets": "turns",
    "What it took": "costs",
}
RUN = ("name", "baseline", "as_is", "settings", "judge", "scoring")
"""What `paper.json` says of a run's session."""


@dataclass(frozen=True)
class Publication:
    """The runs of a paper; at least one."""

    title: str
    columns: Sequence[Column]
    pairs: Sequence[Pair]
    benchmarks: Benchmarks

    def check(self) -> None:
        """Raises SettingError where runs that are shown side by side have different judges."""
        for first, second in combinations(self.columns, 2):
            same_judge(first.session, second.session)

    @cached_property
    def tests(self) -> list[Tested]:
        """Of all pairs that have run."""
        return paired_tests(self.columns, self.pairs, self.benchmarks)

    @cached_property
    def main(self) -> Table:
        """The one table."""
        return main_table(self.columns, self.benchmarks)

    @property
    def tables(self) -> list[Table]:
        """All that have something to say."""
        found = [
            self.main,
            test_table(self.tests, self.columns, self.benchmarks),
            turn_table(self.columns, self.benchmarks),
            cost_table(self.columns),
        ]
        return [table for table in found if table.rows]

    @property
    def missing(self) -> int:
        """Trials without a score."""
        return sum(each.missing for one in self.columns for each in one.summaries.values())

    @property
    def lead(self) -> str:
        """What was run, in a sentence or two."""
        first = self.columns[0].session
        items, trials = sum(first.expected.values()), first.trials
        text = f"{many(len(self.columns), 'run')} of {many(len(first.expected), 'task')}: "
        text += f"{many(items, 'item')} x {many(trials, 'trial')} each, {judges(self.columns)}."
        text += f" {self.missing} missing, counted as wrong." if self.missing else ""
        unfit = [each.label for each in self.columns if each.session.as_is]
        return f"{text} Run as it is (--as-is): {', '.join(unfit)}." if unfit else text


def write_publication(folder: Path, of: Publication) -> list[Path]:
    """Write the files into `folder`; returns their paths."""
    head = f"# {escape_markdown(of.title)}\n\n{of.lead}\n"
    texts = {
        "paper.md": "\n".join([head, *(table.markdown for table in of.tables)]),
        "paper.tex": "\n".join(latex(each, f"tab:{LABELS[each.title]}") for each in of.tables),
        "paper.csv": csv(of.main, spread=len(in_order(of.columns))),
        "paper.json": json.dumps(hidden_in(record(of)), indent=2, allow_nan=False) + "\n",
        "paper.html": page(of),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()})


def record(of: Publication) -> dict[str, Any]:
    """The same as plain data; the keys are those of the module's docstring."""
    marked = {each.session.judge for each in of.columns}
    return {
        "title": of.title,
        "judge": marked.pop() if len(marked) == 1 else None,
        "trials": of.columns[0].session.trials,
        "runs": [
            {
                **{name: getattr(each, name) for name in ("arm", "title", "paper", "budget")},
                **{name: getattr(each.session, name) for name in RUN},
                "tasks": {name: asdict(summary) for name, summary in each.summaries.items()},
            }
            for each in of.columns
        ],
        "tests": [asdict(each) | {"holds": each.holds} for each in of.tests],
    }


def page(of: Publication) -> str:
    """The tables as a page that needs nothing else."""
    content = {
        "name": of.title,
        "lead": of.lead,
        "missing": of.missing,
        "headline": [
            (percent(_mean(each)), f"{each.label}; mean of {len(each.summaries)} tasks")
            for each in in_order(of.columns)
        ],
        "turns": turns_plot(of.columns),
        "arms": list(_by_turns(of.columns)),
        "tables": of.tables,
    }
    return render(TEMPLATE, content)


def turns_plot(columns: Sequence[Column]) -> str | None:
    """Mean accuracy by budget; None unless arms have the same budgets, several of them."""
    series = _by_turns(columns)
    budgets = sorted({each.budget for each in columns if each.budget})
    if len(budgets) < 2 or any(len(each) < len(budgets) for each in series.values()):
        return None
    return budget_plot(budgets, series)


def _by_turns(columns: Sequence[Column]) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = {}
    for each in sorted(columns, key=lambda each: each.budget):
        if each.budget:
            found.setdefault(each.title, []).append(_interval(each))
    return found


def _interval(column: Column) -> Interval:
    """The unweighted mean over the tasks, with 95 % by the tasks' standard errors."""
    mean = _mean(column)
    errors = [each.accuracy.standard_error or 0.0 for each in column.summaries.values()]
    reach = 1.96 * sum(error * error for error in errors) ** 0.5 / len(errors)
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))


def _mean(column: Column) -> float:
    return fmean(each.accuracy.mean for each in column.summaries.values())

"""What a paper's runs leave: `paper.md`, `.tex`, `.csv`, `.json` and a page, `paper.html`.

Keys of `paper.json`, which stay: `title`, `judge`, `trials`; `runs`, a list of `arm`, `title`,
`paper`, `budget`, `name`, `settings`, `scoring`, `tasks` (by name the fields of a `Summary`);
`tests`, a list of `pair`, `task`, `difference` (the fields of a `Difference`), `corrected`, `least`
and `holds`. `paper.csv` is the main table; `paper.tex` has all tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.record.artifacts import write_all
from benchmarks.report.numbers.pairing import same_judge
from benchmarks.report.plots import Interval, budget_plot
from benchmarks.report.several.forms import csv, latex
from benchmarks.report.several.grid import (
    Benchmarks,
    Column,
    Pair,
    Tested,
    cost_table,
    headline,
    in_order,
    main_table,
    paired_tests,
    test_table,
    turn_table,
)
from benchmarks.report.table import Table, escape_markdown, percent
from benchmarks.report.templates.page import HOUSE, render

TEMPLATE = HOUSE / "paper.html.jinja"
LABELS = {
    "Main results": "main",
    "Differences": "differences",
    "Turn budgets": "turns",
    "What it took": "costs",
}


@dataclass(frozen=True)
class Publication:
    """The runs of a paper; at least one."""

    title: str
    columns: Sequence[Column]
    pairs: Sequence[Pair]
    benchmarks: Benchmarks

    def check(self) -> None:
        """Raises SettingError where arms that are compared are scored by different judges."""
        best = headline(self.columns)
        for first, second in self.pairs:
            if {first, second} <= set(best):
                same_judge(best[first].session, best[second].session)

    @cached_property
    def tests(self) -> list[Tested]:
        """Of all pairs that have run."""
        return paired_tests(self.columns, self.pairs)

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
        judge = f"by rules, then by {first.judge}" if first.judge else "by rules"
        text = f"{len(self.columns)} runs of {len(first.expected)} tasks: {items} items x {trials} "
        text += f"trial{'s' if trials > 1 else ''} each, scored {judge}."
        return f"{text} {self.missing} missing, counted as wrong." if self.missing else text


def write_publication(folder: Path, of: Publication) -> list[Path]:
    """Write the files into `folder`; returns their paths."""
    head = f"# {escape_markdown(of.title)}\n\n{of.lead}\n"
    texts = {
        "paper.md": "\n".join([head, *(table.markdown for table in of.tables)]),
        "paper.tex": "\n".join(latex(each, f"tab:{LABELS[each.title]}") for each in of.tables),
        "paper.csv": csv(of.main),
        "paper.json": json.dumps(hidden_in(record(of)), indent=2, allow_nan=False) + "\n",
        "paper.html": page(of),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()})


def record(of: Publication) -> dict[str, Any]:
    """The same as plain data; the keys are those of the module's docstring."""
    first = of.columns[0].session
    return {
        "title": of.title,
        "judge": first.judge,
        "trials": first.trials,
        "runs": [
            {
                **{name: getattr(each, name) for name in ("arm", "title", "paper", "budget")},
                **{name: getattr(each.session, name) for name in ("name", "settings", "scoring")},
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

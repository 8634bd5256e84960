"""What runs of the same items with different budgets of turns say together.

Keys of the study's `report.json`, which stay: `name`, `judge` (null where the budgets' differ),
`trials`; `budgets`, a list in ascending order of `max_turns`, `judge`, `settings` and `tasks`,
which is by name the fields of `benchmarks.report.numbers.summary.Summary` with `turns_low` and
`turns_high`, the 95 % interval of the mean turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.record.artifacts import write_all
from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.result import Result, Session
from benchmarks.report.numbers.statistics import clustered
from benchmarks.report.numbers.summary import Summary, summarise
from benchmarks.report.plots import Interval, budget_plot
from benchmarks.report.table import NONE, Table, escape_markdown, many, number, percent, points
from benchmarks.report.templates.page import HOUSE, render

TEMPLATE = HOUSE / "study.html.jinja"


@dataclass(frozen=True)
class Step:
    """The run with one budget."""

    budget: int
    """`max_turns` of the run."""
    session: Session
    summaries: Mapping[str, Summary]

    @classmethod
    def of(cls, budget: int, session: Session) -> Step:
        """The step of a run."""
        return cls(budget, session, summarise(session))

    def turns(self, task: str) -> Interval:
        """Mean turns of a task with their 95 % interval, clustered by item."""
        return mean_turns([each for each in self.session.results if each.task == task])


def mean_turns(results: Sequence[Result]) -> Interval:
    """Mean turns of the trials that have a score, with a 95 % interval; zeros without any."""
    by_item: dict[str, list[float]] = {}
    for each in sorted(results, key=lambda each: (each.item, each.trial)):
        if each.score is not None:
            by_item.setdefault(each.item, []).append(each.turns)
    if not by_item:
        return Interval(0.0, 0.0, 0.0)
    found = clustered(list(by_item.values()))
    low, high = found.interval or (found.mean, found.mean)
    return Interval(found.mean, max(0.0, low), high)


def write_study(
    folder: Path, steps: Sequence[Step], benchmarks: Mapping[str, Benchmark]
) -> list[Path]:
    """Write `report.md`, `report.json` and `report.html` into `folder`; returns their paths."""
    table = budget_table(steps, benchmarks)
    head = f"# Turn budgets of {escape_markdown(folder.resolve().name)}\n\n{lead(steps)}\n"
    texts = {
        "report.md": f"{head}\n{table.markdown}",
        "report.json": json.dumps(hidden_in(record(folder, steps)), indent=2, allow_nan=False)
        + "\n",
        "report.html": page(folder, steps, benchmarks),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()})


def record(folder: Path, steps: Sequence[Step]) -> dict[str, Any]:
    """The study as plain data; the keys are those of the module's docstring."""
    judges = {step.session.judge for step in steps}
    return {
        "name": folder.resolve().name,
        "judge": judges.pop() if len(judges) == 1 else None,
        "trials": steps[0].session.trials,
        "budgets": [
            {
                "max_turns": step.budget,
                "judge": step.session.judge,
                "settings": step.session.settings,
                "tasks": {name: _task(step, name) for name in step.summaries},
            }
            for step in steps
        ],
    }


def _task(step: Step, name: str) -> dict[str, Any]:
    _, low, high = step.turns(name)
    return asdict(step.summaries[name]) | {"turns_low": low, "turns_high": high}


def lead(steps: Sequence[Step]) -> str:
    """What was run, in a sentence."""
    first = steps[0].session
    items, trials = sum(first.expected.values()), first.trials
    judges = scored_by((many(step.budget, "turn"), step.session) for step in steps)
    *fewer, most = [step.budget for step in steps]
    budgets = ", ".join([*map(str, fewer), many(most, "turn")])
    return f"{many(items, 'item')} x {many(trials, 'trial')} with at most {budgets}, {judges}."


def scored_by(runs: Iterable[tuple[str, Session]]) -> str:
    """Who marked runs, each with its name where they are not all by the same."""
    by: dict[str, list[str]] = {}
    for name, session in runs:
        by.setdefault(session.judge, []).append(name)
    if len(by) == 1:
        (judge,) = by
        return f"scored by rules, then by {judge}" if judge else "scored by rules"
    each = [f"{', '.join(names)} by {judge or 'nobody else'}" for judge, names in by.items()]
    return f"scored by rules, then by different judges ({'; '.join(each)})"


def budget_table(steps: Sequence[Step], benchmarks: Mapping[str, Benchmark]) -> Table:
    """One row a task and budget."""
    rows = [
        _row(step, steps[0], name, benchmarks[name].title)
        for name in steps[0].summaries
        for step in steps
    ]
    header = ["Task", "Most turns", "Accuracy", "Std. error", "95 % interval", "Gain"]
    header += ["Mean turns", "One turn", "Seconds", "Missing"]
    note = "Missing trials count as wrong. The gain, in points, is over the smallest budget."
    return Table("Accuracy by budget", note, header, rows)


def _row(step: Step, least: Step, name: str, title: str) -> list[str]:
    summary, turns = step.summaries[name], step.turns(name)
    accuracy, effort = summary.accuracy, summary.effort
    gain = accuracy.mean - least.summaries[name].accuracy.mean
    return [
        title,
        str(step.budget),
        percent(accuracy.mean),
        points(accuracy.standard_error),
        f"{points(accuracy.low)} to {points(accuracy.high)}",
        NONE if step is least else f"{100 * gain:+.1f}",
        f"{turns.mean:.2f} ({turns.low:.2f} to {turns.high:.2f})" if effort.turns else NONE,
        percent(effort.one_turn_rate),
        number(effort.seconds, 2),
        str(summary.missing),
    ]


def page(folder: Path, steps: Sequence[Step], benchmarks: Mapping[str, Benchmark]) -> str:
    """The study as a page that needs nothing else."""
    tasks = {name: benchmarks[name].title for name in steps[0].summaries}
    budgets = [step.budget for step in steps]
    accuracy = {
        title: [_accuracy(step.summaries[name]) for step in steps] for name, title in tasks.items()
    }
    turns = {title: [step.turns(name) for step in steps] for name, title in tasks.items()}
    share, mean = budget_plot(budgets, accuracy), budget_plot(budgets, turns, "number")
    content = {
        "name": folder.resolve().name,
        "lead": lead(steps),
        "missing": sum(each.missing for step in steps for each in step.summaries.values()),
        "tasks": list(tasks.values()),
        "plots": [
            ("Accuracy", "Share of right answers.", share),
            ("Mean turns", "Of the trials that have a score.", mean),
        ],
        "tables": [budget_table(steps, benchmarks)],
    }
    return render(TEMPLATE, content)


def _accuracy(summary: Summary) -> Interval:
    return Interval(summary.accuracy.mean, summary.accuracy.low, summary.accuracy.high)

"""The report of a run: `report.md`, `report.json` and a page, `report.html`, in the run's folder.

    python -m benchmarks report runs/almanac --baseline runs/base

Keys of `report.json`, which stay: `name`, `judge` (model string, empty: rules alone), `scoring`
(which of the run's), `plain_call` (`direct` or `cot`; empty: the graph), `as_is`, `trials`,
`settings`, `versions`, `provenance` (as in run.json; of a later scoring its own judge's),
`sittings` (each process that ran trials or made the marks); `tasks`, by name the fields of a
`Summary` with `title`, `kind` and `paper` (per cent by system); `kinds`, by kind `tasks`,
`accuracy`, `standard_error`; `labels`, a list of `Agreement`; `baseline`, null or `name`, `tasks`
and `paired`, the fields of a `Comparison`; `hardness`, by task the fields of a `Hardness`, for
tasks whose items know it; `leaks`, by task the fields of a `Leaked`, where a search found items;
`spending`, by module, tool's model, service and judge the fields of a `Spending`. They are in
`benchmarks.report.numbers`. Shares are 0 to 1, times seconds, costs US dollars; null is unknown.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.record.artifacts import write_all
from benchmarks.report.content import Report
from benchmarks.report.further_tables import (
    agreement_table,
    difficulty_tables,
    label_table,
    leak_table,
    official_table,
    spending_table,
)
from benchmarks.report.origin import provenance_table
from benchmarks.report.paper import means, paper_table
from benchmarks.report.plots import Interval, accuracy_plot, inks, turns_plot
from benchmarks.report.report_tables import (
    accuracy_table,
    baseline_table,
    effort_table,
    level_table,
    missed_table,
    missing_table,
    settings_table,
    share_table,
)
from benchmarks.report.table import Table, escape_markdown, many, percent
from benchmarks.report.templates.page import HOUSE, render

TEMPLATE = HOUSE / "report.html.jinja"
PAPER = ("AgentFlow no RL", "AgentFlow + Flow-GRPO")
"""Systems of the paper that the plot shows next to the run."""


def write_report(folder: Path, report: Report) -> list[Path]:
    """Write the three files into `folder`; returns their paths."""
    texts = {
        "report.md": markdown(report),
        "report.json": json.dumps(hidden_in(record(report)), indent=2, allow_nan=False) + "\n",
        "report.html": page(report),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()})


def record(report: Report) -> dict[str, Any]:
    """The report as plain data; the keys are those of the module's docstring."""
    session, known = report.session, report.benchmarks
    about = {
        name: {"title": known[name].title, "kind": known[name].kind, "paper": {**known[name].paper}}
        for name in report.summaries
    }
    return {
        "name": session.name,
        "judge": session.judge,
        "scoring": session.scoring,
        "plain_call": session.baseline,
        "as_is": session.as_is,
        "trials": session.trials,
        "settings": session.settings,
        "versions": session.versions,
        "provenance": session.provenance,
        "sittings": session.sittings,
        "tasks": {name: about[name] | asdict(each) for name, each in report.summaries.items()},
        "kinds": {
            mean.kind: {name: value for name, value in mean._asdict().items() if name != "kind"}
            for mean in means(report.summaries, known)
        },
        "hardness": {task: asdict(each) for task, each in report.hardness.items()},
        "spending": {who: asdict(each) for who, each in report.spending.items()},
        "leaks": {task: asdict(each) for task, each in report.leaks.items()},
        "labels": [asdict(each) for each in report.labels],
        "baseline": _baseline(report),
    }


def _baseline(report: Report) -> dict[str, Any] | None:
    if not report.baseline:
        return None
    tasks = {name: asdict(each) for name, each in report.baseline_summaries.items()}
    paired = asdict(report.paired) if report.paired else None
    return {"name": report.baseline.name, "tasks": tasks, "paired": paired}


def markdown(report: Report) -> str:
    """The report's tables in Markdown."""
    head = f"# Benchmark run {escape_markdown(report.session.name)}\n\n{lead(report)}\n"
    return "\n".join([head, *(table.markdown for table in all_tables(report))])


def lead(report: Report) -> str:
    """What was run, in a sentence or two."""
    session = report.session
    items, trials = sum(session.expected.values()), session.trials
    missing = sum(each.missing for each in report.summaries.values())
    judge = f"by rules, then by {session.judge}" if session.judge else "by rules"
    which = f" (scoring {session.scoring})" if session.scoring else ""
    call = f" of a plain call ({session.baseline})" if session.baseline else ""
    text = f"{many(items, 'item')} x {many(trials, 'trial')}{call}, "
    text += f"scored {judge}{which}."
    text += f" {missing} missing, counted as wrong." if missing else ""
    text += " Run as it is (--as-is): nobody looked whether it is fit." if session.as_is else ""
    owed = sum(each.audit_owed for each in session.results)
    text += (
        f" The judge failed on {owed} right answers of its sample: resume asks again."
        if owed
        else ""
    )
    return f"{text} {report.paired.told}" if report.paired else text


def all_tables(report: Report) -> list[Table]:
    """The tables that have something to say."""
    of = (report.summaries, report.benchmarks)
    ended = "Share of the trials that have a score."
    found = [
        accuracy_table(*of),
        baseline_table(report.pairs, report.benchmarks),
        paper_table(*of, report.baseline_summaries),
        missing_table(*of),
        official_table(*of),
        agreement_table(*of),
        label_table(report.labels),
        leak_table(report.leaks, report.session, report.benchmarks),
        level_table(*of),
        *difficulty_tables(report.hardness, report.benchmarks),
        effort_table(*of),
        spending_table(report.spending),
        share_table("Tool mix", "Share of all tool calls.", *of, lambda each: each.tools),
        share_table("What ended a trial", ended, *of, lambda each: each.stopped_by),
        share_table("Where the answer was read", ended, *of, lambda each: each.rules),
        missed_table(report.session, report.benchmarks),
        settings_table(report.session),
        provenance_table(report.session),
    ]
    return [table for table in found if table and table.rows]


def page(report: Report) -> str:
    """The report as a page that needs nothing else."""
    titles = {name: report.benchmarks[name].title for name in report.summaries}
    by_task = {} if report.session.plain else report.by_task
    turns = {titles[name]: turns_plot(each) for name, each in by_task.items()}
    content = {
        "name": report.session.name,
        "lead": lead(report),
        "headline": headline(report),
        "missing": sum(each.missing for each in report.summaries.values()),
        "references": list(references(report)),
        "accuracy": accuracy_plot(intervals(report), references(report)),
        "inks": inks(tool for each in report.summaries.values() for tool in each.tools),
        "mix": {titles[name]: each.tools for name, each in report.summaries.items() if each.tools},
        "turns": {title: plot for title, plot in turns.items() if plot is not None},
        "tables": all_tables(report),
    }
    return render(TEMPLATE, content)


def headline(report: Report) -> list[tuple[str, str]]:
    """Large numbers and what they are: the task's accuracy, or that of each kind."""
    if len(report.summaries) == 1:
        ((name, only),) = report.summaries.items()
        low, high = percent(only.accuracy.low), percent(only.accuracy.high)
        title = report.benchmarks[name].title
        return [(percent(only.accuracy.mean), f"{title}; 95 % interval {low} to {high}")]
    return [
        (percent(mean.accuracy), mean.label(report.benchmarks))
        for mean in means(report.summaries, report.benchmarks)
    ]


def references(report: Report) -> dict[str, list[float | None]]:
    """What the run is compared with in the plot: by system the accuracy of each row, if known."""
    none = [None] * (len(intervals(report)) - len(report.summaries))
    found: dict[str, list[float | None]] = {}
    if report.baseline_summaries:
        known = {name: each.accuracy.mean for name, each in report.baseline_summaries.items()}
        found["baseline"] = [*(known.get(name) for name in report.summaries), *none]
    for system in PAPER:
        papers = [report.benchmarks[name].paper for name in report.summaries]
        values = [each[system] / 100 if system in each else None for each in papers]
        if any(value is not None for value in values):
            found[f"{system} (paper)"] = [*values, *none]
    return found


def intervals(report: Report) -> dict[str, Interval]:
    """What the plot shows of the run, by label: the tasks, or the one task and its levels."""
    tasks = {report.benchmarks[name].title: each for name, each in report.summaries.items()}
    rows = {title: each.accuracy for title, each in tasks.items()}
    if len(tasks) == 1:
        (only,) = tasks.values()
        rows |= {level: each.accuracy for level, each in only.levels.items()}
    return {label: Interval(each.mean, each.low, each.high) for label, each in rows.items()}

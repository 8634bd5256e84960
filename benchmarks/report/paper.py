"""The kinds of tasks, their means, and the run beside the systems of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.summary import Accuracy, Summary
from benchmarks.report.table import NONE, Table

KINDS = {
    "search": "Search",
    "agentic": "Agentic",
    "math": "Mathematics",
    "science": "Science",
    "almanac": "Almanac",
}


class Mean(NamedTuple):
    """The unweighted mean of the accuracies of several tasks, as in the paper's tables."""

    kind: str
    tasks: tuple[str, ...]
    accuracy: float
    standard_error: float | None

    def label(self, benchmarks: Mapping[str, Benchmark]) -> str:
        """What it is the mean of."""
        if len(self.tasks) == 1:
            return benchmarks[self.tasks[0]].title
        return f"{KINDS[self.kind]}, mean of {len(self.tasks)} tasks"


def means(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> list[Mean]:
    """The mean over the tasks of each kind, in the paper's order of kinds."""
    found = []
    for kind in KINDS:
        names = tuple(name for name in summaries if benchmarks[name].kind == kind)
        if names:
            found.append(_mean(kind, names, [summaries[name].accuracy for name in names]))
    return found


def in_order(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> list[str]:
    """The tasks as a table lists them: kind by kind, in the paper's order."""
    return [task for mean in means(summaries, benchmarks) for task in mean.tasks]


def _mean(kind: str, tasks: tuple[str, ...], parts: list[Accuracy]) -> Mean:
    errors = [each.standard_error for each in parts if each.standard_error is not None]
    error = sum(e * e for e in errors) ** 0.5 / len(parts) if len(errors) == len(parts) else None
    return Mean(kind, tasks, fmean(each.mean for each in parts), error)


def paper_table(
    summaries: Mapping[str, Summary],
    benchmarks: Mapping[str, Benchmark],
    baseline: Mapping[str, Summary],
) -> Table | None:
    """This run above the systems of the paper; None where the paper reports none of the tasks."""
    names = [name for name in summaries if benchmarks[name].paper]
    systems = dict.fromkeys(system for name in names for system in benchmarks[name].paper)
    if not names:
        return None
    run = {name: 100 * summaries[name].accuracy.mean for name in names}
    values = {"This run": run}
    if baseline:
        values["Baseline"] = {n: 100 * baseline[n].accuracy.mean for n in names if n in baseline}
    for system in systems:
        paper = {name: benchmarks[name].paper for name in names}
        values[system] = {name: paper[name][system] for name in names if system in paper[name]}
    groups = [(k, t) for k, t, *_ in means({n: summaries[n] for n in names}, benchmarks)]
    header = ["System"] + [
        cell for kind, tasks in groups for cell in _heads(kind, tasks, benchmarks)
    ]
    rows = [
        [system, *(cell for _, tasks in groups for cell in _scores(tasks, found))]
        for system, found in values.items()
    ]
    note = (
        "Accuracy in per cent. The other rows are tables 1 and 2 of arXiv 2510.05592, measured "
        "with other items and scored by another judge, without what crashed: a guide, no contest."
    )
    return Table("Beside the paper", note, header, rows)


def _heads(kind: str, tasks: tuple[str, ...], benchmarks: Mapping[str, Benchmark]) -> list[str]:
    titles = [benchmarks[name].title for name in tasks]
    return titles + ([f"{KINDS[kind]}, mean"] if len(tasks) > 1 else [])


def _scores(tasks: tuple[str, ...], found: Mapping[str, float]) -> list[str]:
    known = [found[name] for name in tasks if name in found]
    cells = [f"{found[name]:.1f}" if name in found else NONE for name in tasks]
    if len(tasks) > 1:
        cells.append(f"{fmean(known):.1f}" if len(known) == len(tasks) else NONE)
    return cells

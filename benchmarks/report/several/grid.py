"""The runs of a paper side by side, and beside the paper: numbers, tests, turns.

columns = [Column.of("base", "Qwen2.5-7B", "Qwen2.5-7B-Inst", 0, session), ...]
main_table(columns, registry()).text
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.pairing import Difference, compare
from benchmarks.report.numbers.power import LEVEL, detectable, holm
from benchmarks.report.numbers.result import Session
from benchmarks.report.numbers.summary import Summary, summarise
from benchmarks.report.paper import KINDS, means
from benchmarks.report.paper import in_order as tasks_in_order
from benchmarks.report.several.budgets import mean_turns, scored_by
from benchmarks.report.table import NONE, Table, many, points

Benchmarks = Mapping[str, Benchmark]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """One run: an arm with a budget of turns."""

    arm: str
    title: str
    paper: str
    """The paper's system that the arm stands for; empty: none."""
    budget: int
    """Most turns; 0: not set."""
    session: Session
    summaries: Mapping[str, Summary]

    @classmethod
    def of(cls, arm: str, title: str, paper: str, budget: int, session: Session) -> Column:
        """The column of a run."""
        return cls(arm, title, paper, budget, session, summarise(session))

    @property
    def label(self) -> str:
        """The arm and its budget."""
        return f"{self.title}, {many(self.budget, 'turn')}" if self.budget else self.title


@dataclass(frozen=True)
class Tested:
    """Two arms over one task, or over all."""

    pair: Pair
    task: str
    difference: Difference
    corrected: float
    """p after Holm's correction for all tests of the table."""
    least: float | None
    """Least difference that such a test finds four times in five."""

    @property
    def holds(self) -> bool:
        """Whether the difference is more than chance, all tests considered."""
        return self.corrected < LEVEL


def headline(columns: Sequence[Column]) -> dict[str, Column]:
    """Each arm with most turns."""
    return {each.arm: each for each in sorted(columns, key=lambda each: each.budget)}


def in_order(columns: Sequence[Column]) -> list[Column]:
    """The same in the order of the arms."""
    best = headline(columns)
    return [best[arm] for arm in dict.fromkeys(each.arm for each in columns)]


def judges(columns: Sequence[Column]) -> str:
    """Who marked the runs."""
    return scored_by((each.label, each.session) for each in columns)


def paired_tests(
    columns: Sequence[Column], pairs: Sequence[Pair], benchmarks: Benchmarks
) -> list[Tested]:
    """Every pair of arms that have run, by task, and over all of them."""
    best = headline(columns)
    places = {arm: tasks_in_order(each.summaries, benchmarks) for arm, each in best.items()}
    found = [
        (pair, each)
        for pair in pairs
        if set(pair) <= set(best)
        for each in sorted(
            compare(best[pair[0]].session, best[pair[1]].session).differences,
            key=lambda each: _place(each.task, places[pair[0]]),
        )
    ]
    corrected = holm([each.test.p for _, each in found])
    return [
        Tested(pair, each.task, each, p, detectable(each.test.error))
        for (pair, each), p in zip(found, corrected, strict=True)
    ]


def _place(task: str, tasks: Sequence[str]) -> int:
    """Tasks in the order of the main table, all of them together last."""
    return tasks.index(task) if task in tasks else len(tasks)


def main_table(columns: Sequence[Column], benchmarks: Benchmarks) -> Table:
    """One row a task and one a kind's mean; one column a system, the paper's behind ours."""
    ours = in_order(columns)
    summaries = ours[0].summaries
    systems = dict.fromkeys(system for task in summaries for system in benchmarks[task].paper)
    rows = []
    for kind, tasks, *_ in means(summaries, benchmarks):
        for task in tasks:
            cells = [_accuracy(each.summaries.get(task)) for each in ours]
            cells += [_paper(benchmarks[task].paper.get(system)) for system in systems]
            rows.append([benchmarks[task].title, *cells])
        if len(tasks) > 1:
            cells = [_mean_of(each.summaries, tasks) for each in ours]
            cells += [_paper_mean([benchmarks[t].paper.get(s) for t in tasks]) for s in systems]
            rows.append([f"{KINDS[kind]}, mean", *cells])
    note = (
        "Accuracy in per cent, ± its standard error clustered by item; a missing trial counts as "
        "wrong. The paper's are tables 1 and 2 of arXiv 2510.05592, measured with other items and "
        "scored by another judge, without what crashed."
    ) + _mixed(columns)
    header = ["Task", *(each.label for each in ours), *(f"{s} (paper)" for s in systems)]
    return Table("Main results", note, header, rows)


def _mixed(columns: Sequence[Column]) -> str:
    """What a caption must say where numbers of different judges stand side by side."""
    told = judges(columns)
    return f" {told[0].upper()}{told[1:]}." if "different judges" in told else ""


def _accuracy(summary: Summary | None) -> str:
    if summary is None:
        return NONE
    error = summary.accuracy.standard_error
    spread = "" if error is None else f" ± {points(error)}"
    return f"{points(summary.accuracy.mean)}{spread}"


def _mean_of(summaries: Mapping[str, Summary], tasks: Sequence[str]) -> str:
    known = [summaries[task].accuracy.mean for task in tasks if task in summaries]
    return points(fmean(known)) if len(known) == len(tasks) else NONE


def _paper(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _paper_mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.1f}" if known and len(known) == len(values) else NONE


def test_table(tests: Sequence[Tested], columns: Sequence[Column], benchmarks: Benchmarks) -> Table:
    """One row a pair and task."""
    best = headline(columns)
    rows = [
        [
            f"{best[each.pair[0]].title} → {best[each.pair[1]].title}",
            benchmarks[each.task].title if each.task in benchmarks else "All tasks",
            str(each.difference.items),
            f"{100 * each.difference.test.difference:+.1f}",
            f"{100 * each.difference.test.low:+.1f} to {100 * each.difference.test.high:+.1f}",
            f"{each.difference.test.better} : {each.difference.test.worse}",
            f"{each.difference.test.p:.3g}",
            f"{each.corrected:.3g}",
            points(each.least),
            "yes" if each.holds else "no",
        ]
        for each in tests
    ]
    note = (
        "Paired over items, in points; McNemar's exact test for one trial, else sign flips of the "
        f"items' means. p (Holm) is corrected for these {len(tests)} tests. Least: the difference "
        "that such a test finds four times in five at 5 %, from the spread that was measured "
        "(arXiv 2411.00640)."
    )
    header = ["Arms", "Task", "Items", "Difference", "95 % interval", "Won : lost", "p"]
    header += ["p (Holm)", "Least", "Holds"]
    return Table("Differences", note, header, rows, words=("Task", "Holds"))


def turn_table(columns: Sequence[Column], benchmarks: Benchmarks) -> Table:
    """One row an arm and task, a column a budget; no rows where no arm has several."""
    budgets = sorted({each.budget for each in columns if each.budget})
    arms = dict.fromkeys((each.arm, each.title) for each in columns if each.budget)
    by_place = {(each.arm, each.budget): each for each in columns}
    tasks = tasks_in_order(columns[0].summaries, benchmarks)
    rows = [
        [title, benchmarks[task].title, *(_turns(by_place.get((arm, n)), task) for n in budgets)]
        for arm, title in arms
        for task in tasks
    ]
    note = "Accuracy in per cent (mean turns) by most turns; the same items in each column."
    note += _mixed([each for each in columns if each.budget])
    header = ["Arm", "Task", *(many(n, "turn") for n in budgets)]
    return Table("Turn budgets", note, header, rows if len(budgets) > 1 else [], words=("Task",))


def _turns(column: Column | None, task: str) -> str:
    if column is None or task not in column.summaries:
        return NONE
    own = [each for each in column.session.results if each.task == task]
    return f"{points(column.summaries[task].accuracy.mean)} ({mean_turns(own).mean:.2f})"

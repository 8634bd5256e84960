"""Two runs item by item: what the second gained and lost, and whether chance explains it.

    python -m benchmarks compare runs/base runs/flow
    python -m benchmarks compare runs/base runs/flow --json

Only items that both runs asked count; a missing trial counts as wrong. With one trial in both runs
the test is McNemar's exact one, else sign flips of the differences between the items' means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from agentflow_graph.errors import SettingError
from benchmarks.report.result import Result, Session
from benchmarks.report.statistics import Comparison as Paired
from benchmarks.report.statistics import paired
from benchmarks.report.table import Table, percent, shorten

ALL = "all tasks"
SHOWN = 30
"""Most items that the text lists as won, and as lost; the JSON has all."""


class Name(NamedTuple):
    """An item."""

    task: str
    item: str


@dataclass(frozen=True)
class Change:
    """An item that one run has right more often than the other."""

    task: str
    item: str
    first: float
    """Share of its trials that are right in the first run."""
    second: float
    golds: tuple[str, ...]
    answers: tuple[str, str]
    """Answers of the first trial in both runs."""


@dataclass(frozen=True)
class Difference:
    """Two accuracies over the same items."""

    task: str
    items: int
    first: float
    second: float
    test: Paired


@dataclass(frozen=True)
class Comparison:
    """The comparison of two runs."""

    names: tuple[str, str]
    differences: list[Difference]
    """Of each task and, where there are several, of all items together."""
    won: list[Change]
    lost: list[Change]
    only_first: int
    """Items that the second run did not ask; they are left out, as are those of `only_second`."""
    only_second: int
    other_golds: int
    """Items of the same id with other right answers: the data changed. They are left out too."""


def compare(first: Session, second: Session) -> Comparison:
    """Compare the items that both runs asked.

    Raises:
        SettingError: there is none.
    """
    runs = by_item(first), by_item(second)
    shared = sorted(runs[0].keys() & runs[1].keys())
    common = [name for name in shared if runs[0][name][0].golds == runs[1][name][0].golds]
    if not common:
        raise SettingError(
            f"{first.name!r} and {second.name!r} have no item in common: they asked "
            f"{_asked(first)} and {_asked(second)}; compare runs of the same task and subset"
        )
    changes = [_change(name, runs[0][name], runs[1][name]) for name in common]
    tasks = [*dict.fromkeys(name.task for name in common)]
    groups = {task: [each for each in changes if each.task == task] for task in tasks}
    whole = {ALL: changes} if len(groups) > 1 else {}
    return Comparison(
        names=(first.name, second.name),
        differences=[_difference(t, each) for t, each in (groups | whole).items()],
        won=[each for each in changes if each.second > each.first],
        lost=[each for each in changes if each.second < each.first],
        only_first=len(runs[0].keys() - runs[1].keys()),
        only_second=len(runs[1].keys() - runs[0].keys()),
        other_golds=len(shared) - len(common),
    )


def by_item(session: Session) -> dict[Name, list[Result]]:
    """The trials of each item, in order."""
    found: dict[Name, list[Result]] = defaultdict(list)
    for each in sorted(session.results, key=lambda each: each.trial):
        found[Name(each.task, each.item)].append(each)
    return dict(found)


def _asked(session: Session) -> str:
    return ", ".join(f"{task} ({session.subsets.get(task, '')})" for task in session.expected)


def _change(name: Name, first: Sequence[Result], second: Sequence[Result]) -> Change:
    means = [fmean(each.score or 0.0 for each in trials) for trials in (first, second)]
    answers = (first[0].answer, second[0].answer)
    return Change(name.task, name.item, means[0], means[1], first[0].golds, answers)


def _difference(task: str, changes: list[Change]) -> Difference:
    first, second = [each.first for each in changes], [each.second for each in changes]
    return Difference(task, len(changes), fmean(first), fmean(second), paired(first, second))


def text(found: Comparison) -> str:
    """The comparison for a terminal."""
    first, second = found.names
    parts = [*warnings(found), difference_table(found).text]
    for title, changes in ((f"Won by {second}", found.won), (f"Lost by {second}", found.lost)):
        if changes:
            parts.append(change_table(title, changes).text)
    return "\n".join(parts)


def warnings(found: Comparison) -> list[str]:
    """What was left out, if anything."""
    first, second = found.names
    counts = {
        f"asked by {first!r} alone": found.only_first,
        f"asked by {second!r} alone": found.only_second,
        "with other right answers in the two runs": found.other_golds,
    }
    return [f"warning: left out {n} items {why}\n" for why, n in counts.items() if n]


def difference_table(found: Comparison) -> Table:
    """One row a task."""
    rows = [
        [
            each.task,
            str(each.items),
            percent(each.first),
            percent(each.second),
            f"{100 * each.test.difference:+.1f}",
            f"{100 * each.test.low:+.1f} to {100 * each.test.high:+.1f}",
            f"{each.test.better} : {each.test.worse}",
            f"{each.test.p:.3g}",
            each.test.test,
        ]
        for each in found.differences
    ]
    header = ["Task", "Items", "First", "Second", "Difference", "95 % interval", "Won : lost"]
    first, second = found.names
    note = f"First: {first}. Second: {second}. A missing trial counts as wrong."
    return Table("Compared", note, [*header, "p", "Test"], rows, words=("Test",))


def change_table(title: str, changes: list[Change]) -> Table:
    """The items, those that changed most first."""
    ordered = sorted(changes, key=lambda each: -abs(each.second - each.first))
    rows = [
        [
            each.task,
            shorten(each.item, 40),
            f"{percent(each.first)} → {percent(each.second)}",
            shorten("; ".join(each.golds), 40),
            *(shorten(answer, 40) or "(none)" for answer in each.answers),
        ]
        for each in ordered[:SHOWN]
    ]
    header = ["Task", "Item", "Right", "Gold", "Answer before", "Answer after"]
    note = f"{len(rows)} of {len(changes)}." if len(rows) < len(changes) else f"{len(rows)}."
    return Table(title, note, header, rows, words=header[1:])

"""Two runs item by item: what the second gained and lost, and what is not the same in both.

    same_judge(first, second)
    found = compare(first, second)

Only items that both runs asked count; a missing trial counts as wrong. What else the runs differ in
is named. With one trial in both runs the test is McNemar's exact one, else sign flips of the
differences between the items' means. An answer that nobody has marked is no missing trial, so that
a run with any among the shared items is not compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from benchmarks.report.numbers.result import UNMARKED, Result, Session
from benchmarks.report.numbers.sittings import made_by
from benchmarks.report.numbers.statistics import Comparison as Paired
from benchmarks.report.numbers.statistics import paired

ALL = "all tasks"


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
    """Items of the same id with another question or other right answers: the data changed. They are
    left out too."""
    differs: list[str]
    """What else the runs differ in, each with both values."""

    @property
    def told(self) -> str:
        """What a reader of the second run's report must know of the first, its baseline."""
        said = [f"Baseline: {self.names[0]}."]
        said += [f"It differs in {'; '.join(self.differs)}."] if self.differs else []
        if left := self.only_first + self.only_second + self.other_golds:
            text = "items that are not the same in both are left out of the difference"
            said.append(f"{left} {text}.")
        return " ".join(said)


def compare(first: Session, second: Session) -> Comparison:
    """Compare the items that both runs asked.

    Raises:
        SettingError: there is none, or an answer to one has no mark yet.
    """
    runs = by_item(first), by_item(second)
    shared = sorted(runs[0].keys() & runs[1].keys())
    common = [name for name in shared if _same(runs[0][name][0], runs[1][name][0])]
    if not common:
        raise SettingError(
            f"{first.name!r} and {second.name!r} have no item in common: they asked "
            f"{_asked(first)} and {_asked(second)}; compare runs of the same task and subset"
        )
    for run, of in zip((first, second), runs, strict=True):
        _must_be_marked(run, [each for name in common for each in of[name]])
    changes = [_change(name, runs[0][name], runs[1][name]) for name in common]
    tasks = [*dict.fromkeys(name.task for name in common)]
    groups = {task: [each for each in changes if each.task == task] for task in tasks}
    whole = {ALL: changes} if len(groups) > 1 else {}
    return Comparison(
        names=_names(first, second),
        differences=[_difference(t, each) for t, each in (groups | whole).items()],
        won=[each for each in changes if each.second > each.first],
        lost=[each for each in changes if each.second < each.first],
        only_first=len(runs[0].keys() - runs[1].keys()),
        only_second=len(runs[1].keys() - runs[0].keys()),
        other_golds=len(shared) - len(common),
        differs=differences(first, second),
    )


def _must_be_marked(run: Session, results: Sequence[Result]) -> None:
    """Raises SettingError where an answer is neither right nor wrong yet."""
    if n := sum(each.error == UNMARKED for each in results):
        raise SettingError(
            f"{run.name!r} has {n} answer{'s' * (n > 1)} without a mark (scoring {run.scoring}), "
            "which would count as wrong: wait for the run, or mark them with "
            f"`python -m benchmarks score {run.folder or 'DIR'} --scoring {run.scoring}`"
        )


def _names(first: Session, second: Session) -> tuple[str, str]:
    """Two runs of one name are told by their folders."""
    if first.name != second.name:
        return first.name, second.name
    return first.folder or first.name, second.folder or second.name


def _same(first: Result, second: Result) -> bool:
    return (first.golds, first.question) == (second.golds, second.question)


def same_judge(first: Session, second: Session) -> None:
    """Raises SettingError where a judge decided some of what is compared, and not the other's.

    A judge that was never asked, as for mathematics, makes no difference.
    """
    shared = by_item(first).keys() & by_item(second).keys()
    asked = any(
        each.scored_by == "judge" and Name(each.task, each.item) in shared
        for each in (*first.results, *second.results)
    )
    if asked and first.judge != second.judge:
        names = [
            f"{run.name!r} by {run.judge or 'rules alone'} (scoring {run.scoring})"
            for run in (first, second)
        ]
        raise SettingError(
            f"the two are scored by different judges, {' and '.join(names)}: score one of them "
            "anew with `python -m benchmarks score DIR --judge MODEL`, choose another scoring of "
            "theirs, or say --any-judge"
        )


def differences(first: Session, second: Session) -> list[str]:
    """What two runs differ in beside their answers, each with both values."""
    pairs: dict[str, tuple[object, object]] = {
        "judge": (first.judge or "rules alone", second.judge or "rules alone"),
        "baseline": (first.baseline or "none", second.baseline or "none"),
        "trials": (first.trials, second.trials),
        "missing trials": (_missing(first), _missing(second)),
        "seed": (first.seed, second.seed),
        "filter_leaks": (first.filter_leaks, second.filter_leaks),
    }
    for what, one, other in (
        ("subset of", first.subsets, second.subsets),
        ("items of", first.expected, second.expected),
        ("data of", first.sources, second.sources),
    ):
        pairs |= {f"{what} {t}": (one[t], other[t]) for t in one if t in other}
    given = dict.fromkeys((*first.settings, *second.settings))
    usual = {n: f"{field.default}" for n, field in Context.model_fields.items()}
    unset = {n: f"{usual[n]} (the default)" if n in usual else "default" for n in given}
    pairs |= {n: (first.settings.get(n, unset[n]), second.settings.get(n, unset[n])) for n in given}
    made = made_by(first.sittings), made_by(second.sittings)
    pairs |= {name: (made[0][name], made[1][name]) for name in made[0] if name in made[1]}
    return [f"{name}: {one} and {other}" for name, (one, other) in pairs.items() if one != other]


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


def _missing(session: Session) -> int:
    return sum(each.score is None for each in session.results)

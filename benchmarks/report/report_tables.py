"""The tables of a report; Markdown and the page show the same cells.

A cell may hold text of a model, a tool or a data set; who shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.pairing import Difference
from benchmarks.report.numbers.result import Result, Session
from benchmarks.report.numbers.summary import Summary
from benchmarks.report.paper import KINDS, means
from benchmarks.report.table import NONE, Table, dollars, number, percent, points, shorten

MISSED = 60
"""Most missed trials that a report lists."""


def accuracy_table(
    summaries: Mapping[str, Summary],
    benchmarks: Mapping[str, Benchmark],
) -> Table:
    """One row a task, then the mean of each kind that has several."""
    rows = [
        [benchmarks[name].title, each.subset, *_accuracy(each)] for name, each in summaries.items()
    ]
    for kind, tasks, value, error in means(summaries, benchmarks):
        if len(tasks) > 1:
            cells = [f"{KINDS[kind]}, mean of {len(tasks)}", "", "", percent(value), points(error)]
            rows.append([*cells, *[""] * (len(rows[0]) - len(cells))])
    header = ["Task", "Subset", "Items x trials", "Accuracy", "Std. error", "95 % interval"]
    header += ["Deviation", "F1", "Missing", "By judge"]
    note = (
        "Right answers among all expected trials; a missing one counts as wrong. The standard "
        "error is clustered by item; the interval is Wilson's over items; the deviation is between "
        "trials. By judge: trials that the judge decided, and how many it called right."
    )
    return Table("Accuracy", note, header, rows, words=("Subset",))


def _accuracy(summary: Summary) -> list[str]:
    value = summary.accuracy
    return [
        f"{summary.items} x {summary.trials}",
        percent(value.mean),
        points(value.standard_error),
        f"{points(value.low)} to {points(value.high)}",
        points(value.deviation),
        NONE if summary.f1 is None else percent(summary.f1),
        str(summary.missing),
        f"{summary.judged} ({summary.judged_right} right)" if summary.judged else "0",
    ]


def baseline_table(pairs: Mapping[str, Difference], benchmarks: Mapping[str, Benchmark]) -> Table:
    """One row a task, and one of all where there are several; no rows without a baseline."""
    rows = [
        [
            benchmarks[name].title if name in benchmarks else "All tasks",
            str(each.items),
            percent(each.first),
            percent(each.second),
            f"{100 * each.test.difference:+.1f}",
            f"{100 * each.test.low:+.1f} to {100 * each.test.high:+.1f}",
            f"{each.test.better} : {each.test.worse}",
            f"{each.test.p:.3g}",
        ]
        for name, each in pairs.items()
    ]
    header = ["Task", "Items", "Baseline", "This run", "Difference", "95 % interval"]
    note = (
        "Over the items that both runs asked; a missing trial counts as wrong. The difference is "
        "in points, p is that of the paired test."
    )
    return Table("Against the baseline", note, [*header, "Won : lost", "p"], rows)


def effort_table(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> Table:
    """What a trial took."""
    rows = []
    for name, summary in summaries.items():
        effort = summary.effort
        rows.append(
            [
                benchmarks[name].title,
                number(effort.turns, 2),
                percent(effort.one_turn_rate),
                number(effort.seconds, 2),
                number(effort.input_tokens),
                number(effort.output_tokens),
                number(effort.tool_calls, 2),
                percent(effort.tool_error_rate),
                dollars(effort.cost),
                dollars(effort.cost_per_trial),
                dollars(effort.judge_cost),
            ]
        )
    header = ["Task", "Turns", "One turn", "Seconds", "Tokens in", "Tokens out", "Tool calls"]
    header += ["Failed calls", "Cost", "Cost per trial", "Judge's cost"]
    note = (
        "Means over the trials that have a score. The cost is of all trials together; what the "
        "judge's marks cost stands beside it."
    )
    return Table("What it took", note, header, rows)


def share_table(
    title: str,
    note: str,
    summaries: Mapping[str, Summary],
    benchmarks: Mapping[str, Benchmark],
    shares: Callable[[Summary], Mapping[str, float]],
) -> Table | None:
    """One row a task, one column a thing that has a share; None where nothing has one."""
    by_task = {name: shares(each) for name, each in summaries.items()}
    names = list(dict.fromkeys(thing for each in by_task.values() for thing in each))
    rows = [
        [benchmarks[task].title, *(percent(each.get(name, 0.0)) for name in names)]
        for task, each in by_task.items()
    ]
    return Table(title, note, ["Task", *(n or "(none)" for n in names)], rows) if names else None


def level_table(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> Table:
    """Accuracy by level of difficulty; no rows where no item has a level."""
    rows = [
        [
            benchmarks[name].title,
            level,
            str(each.items),
            percent(each.accuracy.mean),
            f"{points(each.accuracy.low)} to {points(each.accuracy.high)}",
            str(each.missing),
        ]
        for name, summary in summaries.items()
        for level, each in summary.levels.items()
    ]
    header = ["Task", "Level", "Items", "Accuracy", "95 % interval", "Missing"]
    note = "Items of which nothing is recorded have no level."
    return Table("By level", note, header, rows, words=("Level",))


def missing_table(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> Table:
    """Why trials have no score."""
    rows = [
        [benchmarks[name].title, str(count), shorten(reason, 300)]
        for name, summary in summaries.items()
        for reason, count in summary.reasons.items()
    ]
    note = "Each of these trials counts as wrong. The command resume tries them again."
    return Table("Missing", note, ["Task", "Trials", "Reason"], rows, words=("Reason",))


def missed_table(session: Session, benchmarks: Mapping[str, Benchmark]) -> Table:
    """Trials with a wrong answer, at most `MISSED`, the tasks taking turns."""
    wrong = [each for each in session.results if each.score is not None and not each.score]
    shown = list(_in_turn(wrong))[:MISSED]
    rows = [
        [
            benchmarks[each.task].title,
            shorten(each.item, 80),
            str(each.trial),
            shorten(each.answer, 300) or "(empty)",
            shorten("; ".join(each.golds), 300),
            each.rule,
        ]
        for each in shown
    ]
    more = f"{len(shown)} of {len(wrong)}" if len(shown) < len(wrong) else f"All {len(wrong)}"
    header = ["Task", "Item", "Trial", "Answer", "Right", "Read from"]
    words = ("Item", "Answer", "Right", "Read from")
    return Table("Wrong answers", f"{more}.", header, rows, words)


def settings_table(session: Session) -> Table:
    """What the run was given, and the versions of what ran."""
    given = {"judge": session.judge or "none"}
    given |= {"baseline": session.baseline} if session.baseline else {}
    given |= {"as_is": "yes: unfit or not, and nobody was asked first"} if session.as_is else {}
    given |= session.settings | session.versions
    rows = [[shorten(name, 40), shorten(str(value), 300)] for name, value in given.items()]
    return Table("Settings", "As given, and what ran.", ["Name", "Value"], rows, words=("Value",))


def _in_turn(wrong: Iterable[Result]) -> Iterable[Result]:
    place: dict[str, int] = {}
    keyed = []
    for each in sorted(wrong, key=lambda each: (each.task, each.trial, each.item)):
        place[each.task] = place.get(each.task, 0) + 1
        keyed.append((place[each.task], each))
    return (each for _, each in sorted(keyed, key=lambda pair: pair[0]))

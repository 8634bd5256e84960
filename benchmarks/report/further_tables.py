"""The tables that some runs have: raters who agree or not, items that know their difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.hardness import Hardness
from benchmarks.report.numbers.leaked import Leaked
from benchmarks.report.numbers.result import Agreement, Session
from benchmarks.report.numbers.spending import Spending
from benchmarks.report.numbers.summary import Summary
from benchmarks.report.table import NONE, Table, dollars, number, percent, points

_HOW = {
    False: "The agent read it all the same: --filter-leaks keeps it from that.",
    True: "It was kept from the agent.",
}
Found = Mapping[str, Hardness]
"""By task."""


def official_table(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> Table:
    """What the data sets' own scripts count, beside our rule."""
    rows = [
        [benchmarks[name].title, *map(percent, (each.official_em, each.official_f1, each.f1))]
        for name, each in summaries.items()
        if each.official_em is not None
    ]
    note = "Exact match and F1 as published numbers count them, and F1 by our normal form."
    return Table("By the official scripts", note, ["Task", "EM", "F1", "F1, ours"], rows)


def agreement_table(summaries: Mapping[str, Summary], benchmarks: Mapping[str, Benchmark]) -> Table:
    """How far rule and judge agree, where both were asked."""
    rows = [
        [
            benchmarks[name].title,
            str(each.audited),
            str(each.audited - each.audited_right),
            str(each.judged),
            str(each.judged_right),
            NONE if each.agreement is None else percent(each.agreement),
        ]
        for name, each in summaries.items()
        if each.audited or each.judged
    ]
    note = (
        "The judge is asked about every answer that the rule calls wrong and about a sample of "
        "those it calls right. If the judge is right, the others are the rule's false yes and "
        "false no. Agreement is over all answers, the sample standing for what it was taken from."
    )
    header = ["Task", "Rule yes, audited", "False yes", "Rule no, judged", "False no", "Agreement"]
    return Table("Rule and judge", note, header, rows)


def spending_table(found: Mapping[str, Spending]) -> Table:
    """Who was asked what, and for how much."""
    rows = [
        [
            who,
            each.of or NONE,
            number(each.calls),
            number(each.input_tokens),
            number(each.cached_tokens),
            number(each.output_tokens),
            number(each.reasoning_tokens),
            dollars(each.dollars),
        ]
        for who, each in found.items()
    ]
    header = ["Asked", "Who", "Calls", "Tokens in", "Cached", "Tokens out", "Reasoning", "Cost"]
    note = (
        "Of all trials together, those that broke off too. Cached and reasoning tokens are parts "
        "of those in and out, as far as providers tell them."
    )
    return Table("Tokens and money", note, header, rows, words=("Who",))


def label_table(labels: Sequence[Agreement]) -> Table:
    """How far people agree with rule and judge, from the filled-in labels."""
    rows = [
        [
            each.raters,
            str(each.rows),
            percent(each.same),
            NONE if each.kappa is None else f"{each.kappa:.2f}",
        ]
        for each in labels
    ]
    note = "From labels.csv, whose rows are those that rule and judge differ about first."
    return Table("Human labels", note, ["Raters", "Rows", "Agreement", "Kappa"], rows)


def leak_table(
    leaks: Mapping[str, Leaked], session: Session, benchmarks: Mapping[str, Benchmark]
) -> Table:
    """Accuracy with and without the trials that found their item; no rows where none did."""
    rows = [
        [
            benchmarks[name].title,
            str(each.trials),
            percent(each.right / each.trials),
            str(each.others),
            percent(each.others_right / each.others) if each.others else NONE,
        ]
        for name, each in leaks.items()
    ]
    note = (
        "Trials with a tool call that found the benchmark's own question, or a copy of data sets. "
        f"{_HOW[session.filter_leaks]} Trials with a score."
    )
    header = ["Task", "Found it", "Right of these", "Others", "Right of the others"]
    return Table("Leaks", note, header, rows)


def difficulty_tables(found: Found, benchmarks: Mapping[str, Benchmark]) -> list[Table]:
    """All of them; those without rows too."""
    titles = {task: benchmarks[task].title for task in found}
    return [
        _hops(found, titles),
        _calls(found, titles),
        _abstention(found, titles),
        _robustness(found, titles),
    ]


def _hops(found: Found, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            titles[task],
            name,
            str(share.items),
            str(share.of),
            percent(share.mean),
            f"{points(share.low)} to {points(share.high)}",
        ]
        for task, each in found.items()
        for name, share in [("all", each.whole), *((str(n), s) for n, s in each.hops.items())]
    ]
    header = ["Task", "Hops", "Items", "Trials", "Accuracy", "95 % interval"]
    note = "Pages on the way to the answer. Without clean twins. The interval is over items."
    return Table("By hops", note, header, rows)


def _calls(found: Found, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            titles[task],
            level,
            str(calls.trials),
            number(calls.made, 2),
            number(calls.least, 2),
            number(calls.over, 2),
        ]
        for task, each in found.items()
        for level, calls in each.calls.items()
    ]
    header = ["Task", "Level", "Right trials", "Tool calls", "Oracle's", "Over it"]
    note = "Of right answers. The oracle makes a call a page and one to state the answer."
    return Table("Calls beside the oracle's", note, header, rows, words=("Level",))


def _abstention(found: Found, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            titles[task],
            str(each.unanswerable),
            str(each.right),
            str(each.false_answers),
            str(each.answerable),
            str(each.false_abstentions),
        ]
        for task, hardness in found.items()
        if (each := hardness.abstention)
    ]
    header = ["Task", "Without answer", "Said unknown", "False answers"]
    header += ["With answer", "Said unknown of these"]
    note = "Questions without an answer, whose gold is unknown, and those that have one."
    return Table("Abstention", note, header, rows)


def _robustness(found: Found, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            titles[task],
            level,
            str(each.pairs),
            percent(each.right / each.pairs),
            percent(each.clean / each.pairs),
            str(each.lost),
            str(each.gained),
        ]
        for task, hardness in found.items()
        for level, each in hardness.robustness.items()
    ]
    header = ["Task", "Level", "Pairs", "Accuracy", "Clean twin", "Lost", "Gained"]
    note = "The same question, asked where the page gives no order and no search breaks off."
    return Table("Beside the clean twin", note, header, rows, words=("Level",))

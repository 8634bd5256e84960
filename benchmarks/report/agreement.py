"""How far our rule, the data sets' own, the judge and people agree, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.items.item import Benchmark
from benchmarks.report.numbers.result import Agreement
from benchmarks.report.numbers.summary import Summary
from benchmarks.report.table import NONE, Table, percent


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

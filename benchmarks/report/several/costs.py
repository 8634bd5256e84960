"""What the runs of a paper took: tokens, money and time, the judge's money beside the agents'.

cost_table(columns).text
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from benchmarks.report.numbers.spending import cost_of, judge_cost
from benchmarks.report.several.grid import Column
from benchmarks.report.table import NONE, Table, dollars, millions, number, percent


def cost_table(columns: Sequence[Column]) -> Table:
    """One row a run: what it took, and what of it cannot be counted on."""
    note = (
        "Tokens in millions. Tokens, cost and hours are of all trials, those that broke off too, "
        "and without the judge's, whose cost is beside them; hours are those of all trials one "
        "after the other, seconds the mean of those with a score. Leaks: trials in which a search "
        "found the item itself"
    )
    kept = {each.session.filter_leaks for each in columns}
    note += " (it was kept from the agent)." if kept == {True} else "."
    header = ["Run", "Trials", "Tokens in", "Tokens out", "Cost", "Judge's cost", "Seconds"]
    header += ["Hours", "Leaks"]
    return Table("What it took", note, header, [_row(each) for each in columns])


def _row(column: Column) -> list[str]:
    results = column.session.results
    scored = [each for each in results if each.score is not None]
    leaks = sum(bool(each.leaks) for each in scored)
    return [
        column.label,
        f"{len(scored)} of {len(results)}",
        millions(sum(each.input_tokens for each in results)),
        millions(sum(each.output_tokens for each in results)),
        dollars(cost_of(results)),
        dollars(judge_cost(results)),
        number(fmean(each.seconds for each in scored), 1) if scored else NONE,
        number(sum(each.seconds for each in results) / 3600, 2),
        percent(leaks / len(scored)) if scored else NONE,
    ]

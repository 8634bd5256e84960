"""The comparison of two runs as text.

    python -m benchmarks compare runs/base runs/flow
    python -m benchmarks compare runs/base runs/flow --json

What was left out and what the runs differ in stands first.
"""

from __future__ import annotations

from benchmarks.report.numbers.pairing import Change, Comparison
from benchmarks.report.table import Table, many, percent, shorten

SHOWN = 30
"""Most items that the text lists as won, and as lost; the JSON has all."""


def text(found: Comparison) -> str:
    """The comparison for a terminal."""
    first, second = found.names
    parts = [*warnings(found), difference_table(found).text]
    for title, changes in ((f"Won by {second}", found.won), (f"Lost by {second}", found.lost)):
        if changes:
            parts.append(change_table(title, changes).text)
    return "\n".join(parts)


def warnings(found: Comparison) -> list[str]:
    """What was left out, and what the runs differ in, if anything."""
    first, second = found.names
    counts = {
        f"asked by {first!r} alone": found.only_first,
        f"asked by {second!r} alone": found.only_second,
        "with another question or other right answers in the two runs": found.other_golds,
    }
    left = [f"warning: left out {many(n, 'item')} {why}" for why, n in counts.items() if n]
    lines = [*left, *(f"differs: {each}" for each in found.differs)]
    return ["\n".join(lines) + "\n"] if lines else []


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
    some = f"{len(rows)} of {len(changes)}" if len(rows) < len(changes) else f"{len(rows)}"
    note = f"{some} item{'s' * (len(changes) != 1)}."
    return Table(title, note, header, rows, words=header[1:])

"""Where the numbers of a report come from, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report.numbers.result import Session
from benchmarks.report.numbers.sittings import changed
from benchmarks.report.table import Table, shorten


def provenance_table(session: Session) -> Table:
    """One row a fact; no rows for a run that noted none."""
    rows = [[name, shorten(value, 300)] for name, value in _facts("", session.provenance)]
    rows += [[name, shorten(value, 300)] for name, value in _later(session)]
    note = (
        "When, by which code, on which data and with what in effect. "
        "`python -m benchmarks run --like DIR` repeats it."
    )
    return Table("Provenance", note, ["Fact", "Value"], rows, words=("Value",))


def _later(session: Session) -> Iterator[tuple[str, str]]:
    """The sittings after the first one that are not as it was, or made the scoring."""
    for each in session.sittings[1:]:
        other = changed(session.sittings[0], each)
        if other or session.scoring:
            did = f"{each['trials']} trials, {each['marks']} marks of scoring {each['scoring']}"
            yield f"later, {each.get('date', '')}", "; ".join([did, *other])


def _facts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each value that is no mapping, with the names that lead to it; empty ones are left out."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _facts(f"{path} {name}".strip(), inner)
    elif value not in ("", None):
        yield path, str(value)

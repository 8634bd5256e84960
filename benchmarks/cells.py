"""A table of text, and how its cells are written.

    Table("Accuracy", "Of all.", ["Task", "Share"], [["Bamboogle", percent(0.584)]]).markdown

A cell may hold text of a model, a tool or a data set: `markdown` and the page escape it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NONE = "–"

_MARKS = re.compile(r"([\\`*_{}\[\]<>|~$])")
_NUMBER = re.compile(r"[-+$\d.,]|–")


@dataclass(frozen=True)
class Table:
    """`rows` are as long as `header`; the first column names the row."""

    title: str
    note: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def markdown(self) -> str:
        """Heading, note and table; what a cell holds is shown, never read as Markdown."""
        rule = ["---", *("---:" if numeric else "---" for numeric in self.numeric[1:])]
        cells = [[escaped(cell) for cell in row] for row in (self.header, *self.rows)]
        lines = [f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:])]
        return "\n".join([f"## {self.title}", "", self.note, "", *lines, ""])

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers."""
        columns = [[row[at] for row in self.rows] for at in range(len(self.header))]
        return [all(not cell or _NUMBER.match(cell) for cell in column) for column in columns]


def escaped(text: str) -> str:
    """`text` in one line of Markdown, without its marks."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def shorten(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def percent(share: float | None) -> str:
    """A share as per cent."""
    return NONE if share is None else f"{100 * share:.1f} %"


def points(share: float | None) -> str:
    """A spread of a share, in percentage points."""
    return NONE if share is None else f"{100 * share:.1f}"


def number(value: float | None, digits: int = 0) -> str:
    """A mean."""
    return NONE if value is None else f"{value:,.{digits}f}"


def dollars(value: float | None) -> str:
    """US dollars."""
    if value is None:
        return "unknown price"
    return f"${value:,.2f}" if value >= 1 or not value else f"${value:.2g}"

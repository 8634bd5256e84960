"""A table of text, and how its cells are written.

    Table("Accuracy", "Of all.", ["Task", "Share"], [["Bamboogle", percent(0.584)]]).markdown

A cell may hold text of a model, a tool or a data set: `markdown` and the page escape it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agentflow_graph.errors.outside import shown
from agentflow_graph.models.providers import money

NONE = "–"

_MARKS = re.compile(r"([\\`*_{}\[\]<>|~$])")


@dataclass(frozen=True)
class Table:
    """`rows` are as long as `header`; the first column names the row."""

    title: str
    note: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Collection[str] = ()
    """Columns, besides the first, that hold words; the others hold numbers."""

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers."""
        return [False, *(name not in self.words for name in self.header[1:])]

    @property
    def markdown(self) -> str:
        """Heading, note and table; what a cell holds is shown, never read as Markdown."""
        rule = ["---:" if numeric else "---" for numeric in self.numeric]
        cells = [[escape_markdown(cell) for cell in row] for row in (self.header, *self.rows)]
        lines = [f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:])]
        return "\n".join([f"## {self.title}", "", self.note, "", *lines, ""])

    @property
    def text(self) -> str:
        """Heading, note and table for a terminal."""
        header, *rows = ([shorten(cell, 400) for cell in row] for row in (self.header, *self.rows))
        return f"{self.title}\n{self.note}\n\n{render_table(header, rows, self.numeric)}\n"


def escape_markdown(text: str) -> str:
    """`text` in one line of Markdown, without its marks."""
    return _MARKS.sub(r"\\\1", " ".join(shown(text).split()))


def shorten(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters, fit for a terminal."""
    line = " ".join(shown(text).split())
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


def millions(tokens: float) -> str:
    """Tokens in millions; of less than a tenth of one all that is there."""
    value = tokens / 1e6
    if not value or value >= 0.1:
        return number(value, 2)
    return f"{max(value, 1e-6):.6f}".rstrip("0")


def many(n: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{n} {noun}{'s' * (n != 1)}"


def dollars(value: float | None) -> str:
    """US dollars."""
    return "unknown price" if value is None else money.dollars(value)


def render_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool] | None = None
) -> str:
    """Columns two spaces apart, as wide as their widest cell.

    Args:
        head: names of the columns.
        rows: as long as `head` each.
        right: which columns stand to the right; None: those that hold whole numbers.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = right or [_numeric(column[1:]) for column in columns]
    lines = [list(head), ["-" * width for width in widths], *rows]
    return "\n".join(_line(line, widths, right) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if numeric else cell.ljust(width)
        for cell, width, numeric in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _numeric(cells: Sequence[str]) -> bool:
    return any(cell.isdecimal() for cell in cells) and all(
        cell.isdecimal() or cell in ("", "-") for cell in cells
    )

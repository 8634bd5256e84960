"""A table in the forms that a paper wants: LaTeX (booktabs) and CSV.

latex(table, "tab:main")
csv(table)
"""

from __future__ import annotations

import csv as library
import io
from collections.abc import Iterator, Sequence

from agentflow_graph.errors.outside import shown
from benchmarks.report.table import NONE, Table

_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "±": r"$\pm$",
    "→": r"$\to$",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell for that begins so; numbers may."""


def latex(table: Table, label: str) -> str:
    """A float; it needs the package booktabs."""
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_text(f'{table.title}. {table.note}')}}}",
            rf"\label{{{label}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _row(table.header),
            r"\midrule",
            *map(_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def csv(table: Table, spread: int = 0) -> str:
    """Head and rows; no cell is a formula to a spreadsheet, and what is not known is empty.

    `spread`: so many columns behind the first hold `value ± error`, and become two each.
    """
    file = io.StringIO()
    writer = library.writer(file, lineterminator="\n")
    first, *names = table.header
    head = [one for name in names[:spread] for one in (name, f"{name}, std. error")]
    rows = (_apart(row, spread) for row in table.rows)
    writer.writerows(map(_plain, row) for row in ([first, *head, *names[spread:]], *rows))
    return file.getvalue()


def _apart(row: Sequence[str], spread: int) -> Iterator[str]:
    for place, cell in enumerate(row):
        known = "" if cell == NONE and place else cell
        if 1 <= place <= spread:
            value, _, error = known.partition(" ± ")
            yield from (value, error)
        else:
            yield known


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_text, cells)) + r" \\"


def _text(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(shown(text).split()))


def _plain(cell: str) -> str:
    text = " ".join(shown(cell).split())
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

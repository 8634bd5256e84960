"""The text of a spreadsheet: each sheet as comma-separated rows, and which cells are coloured.

Colours are told because questions ask about them: a map drawn with cells has nothing else.
"""

from __future__ import annotations

import csv
import datetime
import io
import warnings
from collections import defaultdict
from typing import Any


def workbook(data: bytes) -> str:
    """The sheets of an Excel file, formulas by the values that were saved with them."""
    from openpyxl import load_workbook

    # Read as a stream: else a sheet whose last row is far down has a cell for each place before.
    with warnings.catch_warnings(action="ignore"):  # of parts that it leaves out, such as rules
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        return "\n\n".join(_sheet(sheet) for sheet in book.worksheets)


def _sheet(sheet: Any) -> str:
    rows: list[list[str]] = []
    coloured = defaultdict(list)
    for row in sheet.iter_rows():
        rows.append([_value(cell.value) for cell in row])
        for cell in row:
            # An empty cell without a format is told by an object that has neither.
            if getattr(cell, "has_style", False) and cell.fill.fill_type:
                coloured[_colour(cell.fill.fgColor)].append(cell.coordinate)
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((n + 1 for row in rows for n, value in enumerate(row) if value), default=0)
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(row[:width] for row in rows)
    colours = "".join(f"Cells of {name}: {', '.join(at)}\n" for name, at in coloured.items())
    written = f"{table.getvalue()}{colours}"
    return f"Sheet {sheet.title}:\n{written}".rstrip("\n") if written else ""


def _value(value: object) -> str:
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return "" if value is None else str(value)


def _colour(colour: Any) -> str:
    """Red, green and blue in hexadecimal, or the name that the file gives in their place."""
    from openpyxl.styles.colors import COLOR_INDEX

    if colour.type == "rgb":
        return f"colour {colour.rgb[-6:]}"
    if colour.type == "indexed" and colour.indexed < len(COLOR_INDEX):
        return f"colour {COLOR_INDEX[colour.indexed][-6:]}"
    return f"{colour.type} colour {colour.value}" + (f" tint {colour.tint:.2f}" * bool(colour.tint))

"""A table of text in aligned columns, for the terminal."""

from collections.abc import Sequence


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

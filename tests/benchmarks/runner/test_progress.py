"""Progress: plain lines where there is no terminal."""

from __future__ import annotations

from io import StringIO

from benchmarks.runner.progress import Progress
from benchmarks.runner.store.records import Records


def test_the_last_line_says_how_it_went() -> None:
    """A trial without a mark counts as wrong, as in the report."""
    out = StringIO()
    with Progress(4, Records(spent=1.25), out) as progress:
        for mark in ({"value": 1.0}, {"value": 0.0}, None):
            progress.ended(mark)
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("3/4  33.3 % right, 1 errors, ") and last.endswith("/s, $1.25")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar() -> None:
    out = Terminal()
    with Progress(2, Records(), out) as progress:
        progress.ended({"value": 1.0})
    assert "1/2" in out.getvalue() and "100.0 % right" in out.getvalue()

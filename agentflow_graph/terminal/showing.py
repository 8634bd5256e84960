"""What a run does, for who watches it: lines in a pipe, and in a terminal what is under way, too.

with Moving() as show:
    show.told(event)              # one of `agentflow_graph.prompts.progress`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from agentflow_graph.errors.outside import shown, unguarded
from agentflow_graph.models.providers.money import told
from agentflow_graph.prompts.memory import command, shorten
from agentflow_graph.prompts.progress import Progress, line
from agentflow_graph.state import State

LONGEST = 60
"""Characters of arguments beside a spinner."""


class Silent:
    """Tells nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def told(self, event: Progress) -> None:
        """An event of the run."""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked, nothing moves."""
        yield


class Lines(Silent):
    """A line an event, in whatever standard output is."""

    def told(self, event: Progress) -> None:
        """Print what has a line."""
        if text := line(event):
            print(text, flush=True)


class Moving(Silent):
    """Lines above a spinner, which says what is under way and since when."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.text import Text

        self._text = Text
        # Past the guard, which would show the spinner's own sequences: all text is shown before.
        self._console = Console(file=unguarded(sys.stdout), highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
        self._bar = Bar(*columns, TimeElapsedColumn(), console=self._console, transient=True)
        self._task: Any = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def told(self, event: Progress) -> None:
        """Print what has a line; let the spinner say what comes next."""
        if text := line(event):
            self._console.print(self._text(shown(text), style=_style(event)), soft_wrap=True)
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        if under_way := _under_way(event):
            self._task = self._bar.add_task(shown(under_way), total=None)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked, nothing moves."""
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()


def show_of(quiet: bool) -> Silent:
    """What shows a run here."""
    if quiet:
        return Silent()
    return Moving() if sys.stdout.isatty() else Lines()


def spent(state: State) -> str:
    """Turns, tokens, money and seconds of a finished run."""
    usage = state["usage"].values()
    tokens = sum(each["input_tokens"] + each["output_tokens"] for each in usage)
    turns = len(state["turns"])
    said = f"{turns} turn{'' if turns == 1 else 's'}, {tokens:,.0f} tokens"
    # Nobody answered: what a call that failed cost, nobody knows.
    money = told(state["money"]) if usage else "cost unknown"
    return f"{said}, {money}, {state['seconds']:.1f} s"


def _under_way(event: Progress) -> str:
    match event["type"]:
        case "began":
            return event["module"]
        case "called":
            return f"{event['tool']}({shorten(command(event['arguments']), LONGEST)})"
        case _:
            return ""


def _style(event: Progress) -> str:
    match event["type"]:
        case "began":
            return "bold"
        case "returned":
            return "" if event["status"] == "ok" else "red"
        case "judged":
            return "green" if event["complete"] else "dim"
        case _:
            return ""

"""What looks at a tool's result before the run does: whoever starts a run may set one.

    with screened_by(watch):
        state = await graph.ainvoke({"question": "..."})

The screen says what the run reads in place of the result, and what its call's `data` note beside.
It stands before the record: a replay and a resume find what the run read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from agentflow_graph.state import Status

Screen = Callable[[str, Status, str], tuple[Status, str, dict[str, Any]]]
"""From a tool's name, and its result's status and text, to those that the run gets, and notes."""
_SCREEN: ContextVar[Screen | None] = ContextVar("SCREEN", default=None)


@contextmanager
def screened_by(screen: Screen | None) -> Iterator[None]:
    """The results of tools inside pass `screen`."""
    token = _SCREEN.set(screen)
    try:
        yield
    finally:
        _SCREEN.reset(token)


def screened(
    tool: str, status: Status, text: str, data: dict[str, Any]
) -> tuple[Status, str, dict[str, Any]]:
    """The result as the run gets it."""
    screen = _SCREEN.get()
    if screen is None:
        return status, text, data
    status, text, noted = screen(tool, status, text)
    return status, text, {**data, **noted}

"""What every tool gives back: a status, a bounded text for the planner, and the seconds it took.

    result = ok("175306", seconds=0.004)
    result["status"]            # "ok"

A tool's own failure is such a record too, never an exception: the planner reads the text and
decides what to do next.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from tools.outcomes.outside import shown

Status = Literal["ok", "error", "timeout", "unavailable"]

SMALLEST_LIMIT = 80


class ToolResult(TypedDict):
    """The outcome of one tool call; `text` is what the planner reads, `seconds` is wall time."""

    status: Status
    text: str
    seconds: float
    data: NotRequired[dict[str, Any]]
    """More, for programs: plain JSON, bounded. `backend` names who answered; the memory of a run
    keeps the entries that are no lists or objects, shortened. `charged` names a service that
    was asked and is paid by the call."""


def ok(text: str, seconds: float = 0.0) -> ToolResult:
    """The tool did its work."""
    return ToolResult(status="ok", text=text, seconds=seconds)


def error(text: str, seconds: float = 0.0) -> ToolResult:
    """The call failed and another call, put differently, may succeed."""
    return ToolResult(status="error", text=text, seconds=seconds)


def timeout(text: str, seconds: float = 0.0) -> ToolResult:
    """The tool ran out of time."""
    return ToolResult(status="timeout", text=text, seconds=seconds)


def unavailable(text: str, seconds: float = 0.0) -> ToolResult:
    """The tool cannot work here until somebody does what `text` says."""
    return ToolResult(status="unavailable", text=text, seconds=seconds)


def charged(result: ToolResult, service: str) -> ToolResult:
    """`result` marked as a call of `service` that is paid for; empty: none was made."""
    return {**result, "data": {**result.get("data", {}), "charged": service}} if service else result


def away(result: ToolResult) -> ToolResult:
    """`result` marked as the doing of a service that cannot be asked now and may be back.

    What a tool says of such a moment is true of no other: a training does not learn from it.
    """
    return {**result, "data": {**result.get("data", {}), "away": True}}


def shorten(text: str, limit: int) -> str:
    """`text` as `shown` and at most `limit` characters long; the middle goes first.

    Long results keep their beginning and their end, where the answer and the error usually stand;
    between them a note says how many characters were left out.

    Raises:
        ValueError: `limit` is too small to hold the note.
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit={limit} leaves no room for text: use {SMALLEST_LIMIT} or more")
    text = shown(text)
    if len(text) <= limit:
        return text
    room = limit - len(_note(len(text)))
    head = (room + 1) // 2
    tail = room - head
    return text[:head] + _note(len(text) - room) + text[len(text) - tail :]


def _note(count: int) -> str:
    return f"\n[... {count} characters left out ...]\n"

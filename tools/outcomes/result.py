"""What every tool gives back: a status, a bounded text for the planner, and the seconds it took.

    result = ok("175306", seconds=0.004)
    result["status"]            # "ok"

A tool's own failure is such a record too, never an exception: the planner reads the text and
decides what to do next.
"""

from __future__ import annotations

import os
import re
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

Status = Literal["ok", "error", "timeout", "unavailable"]

SMALLEST_LIMIT = 80

_NEWLINES = re.compile(r"\r\n?")
# Tab and newline stay. C0/C1 controls drive terminals, direction marks reorder what a reader sees,
# lone surrogates cannot be encoded.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 8


class ToolResult(TypedDict):
    """The outcome of one tool call; `text` is what the planner reads, `seconds` is wall time."""

    status: Status
    text: str
    seconds: float
    data: NotRequired[dict[str, Any]]
    """More, for programs: plain JSON, bounded. `backend` names who answered; the memory of a run
    keeps the entries that are no lists or objects, shortened."""


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


def away(result: ToolResult) -> ToolResult:
    """`result` marked as the doing of a service that cannot be asked now and may be back.

    What a tool says of such a moment is true of no other: a training does not learn from it.
    """
    return {**result, "data": {**result.get("data", {}), "away": True}}


def visible(text: str) -> str:
    r"""`text` with control, direction and ANSI escape characters written out, as `\x1b`.

    Tabs and newlines stay; `\r\n` and `\r` become `\n`.
    """
    return _HOSTILE.sub(_written_out, _NEWLINES.sub("\n", text))


def redact(text: str) -> str:
    """`text` without the secrets of the environment, each replaced by `[NAME]`.

    A secret is the value, 8 characters or longer, of a variable that is called a key, a token, a
    secret, a password or a credential. Errors of clients quote them.
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _SECRET.search(name):
            text = text.replace(value, f"[{name}]")
    return text


def shorten(text: str, limit: int) -> str:
    """`text` made visible and at most `limit` characters long; the middle goes first.

    Long results keep their beginning and their end, where the answer and the error usually stand;
    between them a note says how many characters were left out.

    Raises:
        ValueError: `limit` is too small to hold the note.
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit={limit} leaves no room for text: use {SMALLEST_LIMIT} or more")
    shown = visible(text)
    if len(shown) <= limit:
        return shown
    room = limit - len(_note(len(shown)))
    head = (room + 1) // 2
    tail = room - head
    return shown[:head] + _note(len(shown) - room) + shown[len(shown) - tail :]


def _note(count: int) -> str:
    return f"\n[... {count} characters left out ...]\n"


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

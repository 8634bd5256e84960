"""What a check found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]
"""A warning is a run that may disappoint; a failure is a run that must not be started."""


@dataclass(frozen=True)
class Finding:
    """`part` names what was looked at; `remedy` is empty exactly where the state is ok."""

    part: str
    state: State
    text: str
    remedy: str = ""


def ok(part: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(part, "ok", text)


def warning(part: str, text: str, remedy: str) -> Finding:
    """The run can be started; it may not be what is wanted."""
    return Finding(part, "warning", text, remedy)


def failed(part: str, text: str, remedy: str) -> Finding:
    """The run would break, or teach nothing."""
    return Finding(part, "failed", text, remedy)

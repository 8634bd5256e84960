"""What a check found, and what to do about it; for the dry run and for the check of GPUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]
"""A warning is a run that may disappoint; a failure is a run that must not be started."""

SIGNS: dict[State, str] = {
    "ok": "ok",
    "warning": "WARNING",
    "failed": "FAILED",
    "skipped": "skipped",
}


@dataclass(frozen=True)
class Finding:
    """`part` names what was looked at; `remedy` is empty exactly where the state is ok."""

    part: str
    state: State
    text: str
    remedy: str = ""

    def render(self, width: int) -> str:
        """For a terminal, `part` padded to `width`; the remedy stands on a second line."""
        text = f"{SIGNS[self.state]:8}{self.part:{width}}  {self.text}"
        return text + (f"\n{'':8}{'':{width}}  -> {self.remedy}" if self.remedy else "")


def ok(part: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(part, "ok", text)


def warning(part: str, text: str, remedy: str) -> Finding:
    """The run can be started; it may not be what is wanted."""
    return Finding(part, "warning", text, remedy)


def failure(part: str, text: str, remedy: str) -> Finding:
    """The run would break, or teach nothing."""
    return Finding(part, "failed", text, remedy)


def skip(part: str, text: str, remedy: str) -> Finding:
    """Not looked at: why, and how it could be."""
    return Finding(part, "skipped", text, remedy)


def verdict(part: str, right: bool, text: str, remedy: str) -> Finding:
    """Ok or failed; the remedy goes with a failure."""
    return ok(part, text) if right else failure(part, text, remedy)

"""The outcome of a check on a GPU machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["pass", "fail", "skip"]


@dataclass(frozen=True)
class Outcome:
    """`text` has the numbers; `remedy` is empty exactly where the state is pass."""

    name: str
    state: State
    text: str
    remedy: str = ""


def judged(name: str, right: bool, text: str, remedy: str) -> Outcome:
    """Pass or fail; the remedy goes with a failure."""
    return Outcome(name, "pass", text) if right else Outcome(name, "fail", text, remedy)


def skipped(name: str, why: str, remedy: str) -> Outcome:
    """Not looked at, and how it could be."""
    return Outcome(name, "skip", why, remedy)

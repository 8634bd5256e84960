"""What a check found, and what to do about it.

    finding = verdict("disk", free > need, f"{need} GiB of {free}", "free space")
    print(finding.render(width=16))

Every check of the project gives these: of the tools, of a training run, of a machine with GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]
"""A warning: it may disappoint. Failed: it must not be started, or cannot work. Skipped: nobody
looked."""

SIGNS = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "skipped": "skipped"}


@dataclass(frozen=True)
class Finding:
    """`part` names what was looked at; `remedy` what to do, unless `text` says it or all is ok."""

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


def warning(part: str, text: str, remedy: str = "") -> Finding:
    """It can be started; it may not be what is wanted."""
    return Finding(part, "warning", text, remedy)


def failure(part: str, text: str, remedy: str = "") -> Finding:
    """It would break."""
    return Finding(part, "failed", text, remedy)


def skip(part: str, text: str, remedy: str = "") -> Finding:
    """Not looked at: why, and how it could be."""
    return Finding(part, "skipped", text, remedy)


def verdict(part: str, right: bool, text: str, remedy: str) -> Finding:
    """Ok or failed; the remedy goes with a failure."""
    return ok(part, text) if right else failure(part, text, remedy)

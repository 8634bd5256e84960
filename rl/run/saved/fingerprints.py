"""Fingerprints of recorded events, and what became of them: changed, missing, added, moved.

A fingerprint is `DIGITS` hexadecimal digits of BLAKE2b over the text of an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from agentflow_graph.record.events import Event, lines_in
from agentflow_graph.record.reading import files_of

DIGITS = 16


def fingerprints(folder: Path) -> dict[str, list[str]]:
    """By run, the fingerprints of its events in a batch of the record, in their order."""
    return {run: [seen.mark for seen in events] for run, events in seen_in(folder).items()}


class Seen(NamedTuple):
    """An event as it stands in the record."""

    mark: str
    """Its fingerprint."""
    event: Event

    def __str__(self) -> str:
        """What it is, for a person."""
        kind, call = self.event["event"], self.event.get("call")
        if call:
            node, turn, number, _ = call
            return f"{_CALLS[kind]} {node}" + f" in turn {turn}" * bool(turn) + _nth(number)
        turn = f" of turn {self.event['turn']}" if "turn" in self.event else ""
        return f"{_NAMED.get(kind, kind)}{turn}"


_CALLS = {"asked": "the request to", "answered": "the answer of", "failed": "the failure of"}
_NAMED = {
    "begun": "its beginning",
    "verdict": "the verdict",
    "ended": "the state at its end",
    "finished": "its outcome",
    "left_out": "its outcome",
}


def _nth(number: int) -> str:
    return f", call {number + 1}" if number else ""


def seen_in(folder: Path) -> dict[str, list[Seen]]:
    """By run, the events of a batch of the record, in their order.

    Raises:
        SettingError: a file cannot be read.
    """
    found: dict[str, list[Seen]] = {}
    for path in files_of(folder):
        for line, event in lines_in(path):
            if "run" in event:
                mark = blake2b(line, digest_size=DIGITS // 2).hexdigest()
                found.setdefault(event["run"], []).append(Seen(mark, event))
    return found


class Change(NamedTuple):
    """One difference between a run's events and its fingerprints."""

    text: str
    event: Event | None = None
    """The event that differs, where it is there."""


def changes(marks: str, seen: Sequence[Seen]) -> list[Change]:
    """How the events of a run differ from the fingerprints that the ledger has of them.

    Args:
        marks: the fingerprints, one behind the other.
        seen: the events as they are now.
    """
    before = [marks[at : at + DIGITS] for at in range(0, len(marks), DIGITS)]
    now = [one.mark for one in seen]
    if before == now:
        return []
    if not now or not before:
        return [Change("it is missing" if before else "it was not there")]
    if sorted(before) == sorted(now):
        at = next(i for i, (a, b) in enumerate(zip(before, now, strict=True)) if a != b)
        moved = seen[now.index(before[at])]
        return [Change(f"its events were moved: where {moved} was, there is {seen[at]}")]
    found = []
    for kind, a, b, c, d in SequenceMatcher(a=before, b=now, autojunk=False).get_opcodes():
        if kind in ("replace", "insert"):
            how = "is not what was recorded" if kind == "replace" else "was added"
            found += [Change(f"{one} {how}", one.event) for one in seen[c:d]]
        lost = b - a - (d - c) if kind in ("replace", "delete") else 0
        if lost > 0:
            after = f"after {seen[d - 1]}" if d else "at its beginning"
            what = f"{lost} events {after} are" if lost > 1 else f"an event {after} is"
            found.append(Change(f"{what} missing"))
    return found

"""How far each scoring of a run is: what `score` lists.

for each in standings(Path("runs/bench")): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.records import Key, Records, owes_audit
from benchmarks.runner.store.session import keys, light, why_missing


@dataclass(frozen=True)
class Standing:
    """How far a scoring is."""

    number: int
    judge: str
    """Empty: rules alone."""
    shown: bool
    """Whether `report` takes it unless told otherwise."""
    trials: int
    right: int
    unmarked: int
    """Trials with an answer that has no mark yet."""
    unaudited: int
    """Right answers that the judge failed to audit."""
    missing: int
    """Trials without an answer."""
    why: str
    """Why the first of the unmarked has none; empty where none is unmarked."""


def standings(path: Path) -> list[Standing]:
    """Every scoring of a run, in order; SettingError where the folder holds no run."""
    request, records = light(path)
    asked = list(keys(request, Folder(path).items()))
    judges = {0: request.judge} | records.judges
    return [_standing(number, judges[number], asked, records) for number in records.known]


def _standing(number: int, judge: str, asked: list[Key], records: Records) -> Standing:
    marks = records.scored.get(number, {})
    unmarked = [key for key in asked if key in records.finished and key not in marks]
    failed = list(_failed(number, unmarked, records))
    return Standing(
        number=number,
        judge=judge,
        shown=number == records.chosen(None),
        trials=len(asked),
        right=sum(marks[key]["value"] == 1.0 for key in asked if key in marks),
        unmarked=len(unmarked),
        unaudited=sum(map(owes_audit, marks.values())),
        missing=sum(key not in records.finished for key in asked),
        why=next(iter(failed), ""),
    )


def _failed(number: int, unmarked: list[Key], records: Records) -> Iterator[str]:
    """Why answers have no mark, those first that were tried."""
    tried = records.unscored.get(number, {})
    for key in sorted(unmarked, key=lambda key: key not in tried):
        yield why_missing(key, records, number)

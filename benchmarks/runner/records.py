"""What a journal says, gathered by trial.

Events: `finished` (a run that ended well, with its state), `failed` (one that did not), `scored`
(an answer and its mark), `unscored` (the judge or the rule failed), `scoring` (a later scoring of
the whole run has ended).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.runner.journal import Key

Event = dict[str, Any]


@dataclass
class Records:
    """Events by trial; of several of one kind the last one counts."""

    finished: dict[Key, Event] = field(default_factory=dict)
    failed: dict[Key, Event] = field(default_factory=dict)
    scored: dict[int, dict[Key, Event]] = field(default_factory=lambda: {0: {}})
    """By number of the scoring; 0 is the run's own."""
    unscored: dict[int, dict[Key, Event]] = field(default_factory=dict)
    judges: dict[int, str] = field(default_factory=dict)
    """Judge of each later scoring that has ended."""
    spent: float = 0.0
    """US dollars of everything, failed runs and judges included, as far as prices are known."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> Records:
        """Gather events in the order in which they were written."""
        records = cls()
        for event in events:
            records.add(event)
        return records

    def add(self, event: Event) -> None:
        """One event more."""
        kind = event["event"]
        self.spent += event.get("cost") or 0.0
        if kind == "scoring":
            self.judges[event["scoring"]] = event["judge"]
        elif kind == "finished":
            self.finished[Key.of(event)] = event
        elif kind == "failed":
            self.failed[Key.of(event)] = event
        else:
            by_scoring = self.scored if kind == "scored" else self.unscored
            by_scoring.setdefault(event["scoring"], {})[Key.of(event)] = event

    def verdicts(self, judge: str) -> dict[Key, Event]:
        """Marks that `judge` gave, in any scoring: nobody need ask it again."""
        return {
            key: event
            for marks in self.scored.values()
            for key, event in marks.items()
            if event["by"] == "judge" and event["judge"] == judge
        }

    def next_scoring(self) -> int:
        """A number for a new scoring; one that was broken off keeps its own."""
        return max([*self.scored, *self.unscored, *self.judges]) + 1

    def chosen(self, scoring: int | None) -> int:
        """The scoring asked for, by default the last that ended; SettingError for no such one."""
        known = [0, *sorted(self.judges)]
        if scoring is None:
            return known[-1]
        if scoring not in known:
            raise SettingError(f"there is no scoring {scoring}; known: {known}")
        return scoring

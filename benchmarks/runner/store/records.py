"""What the record of a benchmark says, gathered by trial.

Beside the events of each run of the graph (`agentflow_graph.record`) a benchmark writes `trial` (a
run came to an end, its cost, and what went wrong with it), `scored` (an answer and its mark),
`unscored` (the judge or the rule failed), `scoring_begun` (a later scoring of all runs), `scoring`
(it has a mark of every answer there was: from now on it is the one that is shown) and `sitting`
(another process goes on, by what follows it is told).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from agentflow_graph.errors import SettingError
from benchmarks.items.shapes import fits, is_final

Event = dict[str, Any]
KINDS = ("scored", "unscored", "scoring", "scoring_begun", "sitting")
LOST = "its finished state is damaged on disk; resume makes it again"


class Key(NamedTuple):
    """One trial of one item; `trial` counts from 1."""

    task: str
    item: str
    trial: int

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The trial that an event speaks of."""
        return cls(event["task"], event["item"], event["trial"])

    @property
    def run(self) -> str:
        """Name of its run in the record."""
        return f"{self.task}/{self.item}/{self.trial}"


def _sitting(told: Event, scoring: int) -> Event:
    return {"judge": "", **told, "scoring": scoring, "trials": 0, "marks": 0}


def owes_audit(mark: Event) -> bool:
    """Whether the judge was asked about a yes of the rule, and failed; nobody asked says none."""
    return mark.get("audit", 0.0) is None


@dataclass
class Records:
    """Events by trial; of several of one kind the last one counts."""

    finished: dict[Key, Event] = field(default_factory=dict)
    """`trial` events of runs that ended well, with `state`; of one whose state was lost, none."""
    failed: dict[Key, Event] = field(default_factory=dict)
    """The other `trial` events; `state` is empty where the run came to none."""
    scored: dict[int, dict[Key, Event]] = field(default_factory=lambda: {0: {}})
    """By number of the scoring; 0 is the run's own."""
    unscored: dict[int, dict[Key, Event]] = field(default_factory=dict)
    judges: dict[int, str] = field(default_factory=dict)
    """Judge of each later scoring, ended or not; empty: rules alone."""
    ended: list[int] = field(default_factory=list)
    """The later scorings that were complete once, in the order in which they became so."""
    sittings: list[Event] = field(default_factory=lambda: [_sitting({}, 0)])
    """What is told of each process that worked on the run, and how much it did. Of the one that
    began it `run.json` tells."""
    _rules: dict[int, str] = field(default_factory=dict)
    """Version of the project whose rules a later scoring was begun with."""
    spent: float = 0.0
    """US dollars of everything, failed runs and judges included, as far as prices are known."""
    _paid: dict[Key, float] = field(default_factory=dict)
    """What trials have cost so far: one that is tried again asks only for what is missing, and its
    new cost holds the former one."""

    @classmethod
    def of(
        cls, events: Iterable[Event], keep: Callable[[Event], Event] = lambda state: state
    ) -> Records:
        """Gather events in the order in which they were written.

        Args:
            events: of a record, those of its runs among them.
            keep: what is wanted of a finished state, which may be long.
        """
        records = cls()
        states: dict[str, Event] = {}
        for event in filter(fits, events):
            if event["event"] == "ended":
                if is_final(event["state"]):
                    states[event["run"]] = keep(event["state"])
            elif event["event"] == "trial":
                records.add({**event, "state": states.pop(event["run"], {})})
            elif event["event"] in KINDS:
                records.add(event)
        return records

    def add(self, event: Event) -> None:
        """One event more."""
        kind = event["event"]
        if kind == "trial":
            self._add_trial(Key.of(event), event)
            return
        self.spent += event.get("cost") or 0.0
        if kind == "sitting":
            self.sittings.append(_sitting(event["told"], event["scoring"]))
        elif kind in ("scoring", "scoring_begun"):
            self._add_scoring(event)
        else:
            by_scoring = self.scored if kind == "scored" else self.unscored
            self.sittings[-1]["marks"] += kind == "scored"
            by_scoring.setdefault(event["scoring"], {})[Key.of(event)] = event

    def _add_scoring(self, event: Event) -> None:
        number = event["scoring"]
        self.judges[number] = event["judge"]
        if event["event"] == "scoring_begun":
            self._rules[number] = event["version"]
        elif number not in self.ended:
            self.ended.append(number)

    def _add_trial(self, key: Key, event: Event) -> None:
        before, cost = self._paid.get(key, 0.0), event["cost"] or 0.0
        self._paid[key] = max(before, cost)
        self.spent += max(0.0, cost - before)
        self.sittings[-1]["trials"] += 1
        if not event["state"] and not event["error"]:
            event = {**event, "error": LOST}
        by_end = self.failed if event["error"] else self.finished
        by_end[key] = event

    def verdicts(self, judge: str) -> dict[Key, Event]:
        """Marks that `judge` gave, in any scoring: nobody need ask it again."""
        return {
            key: event
            for marks in self.scored.values()
            for key, event in marks.items()
            if event["by"] == "judge" and event["judge"] == judge
        }

    @property
    def known(self) -> list[int]:
        """The scorings that may be asked for."""
        return [0, *sorted(self.judges)]

    def open_scoring(self, judge: str, version: str) -> int | None:
        """A later scoring by the same judge and rules that was broken off: it is gone on with."""
        for number, rules in self._rules.items():
            if number not in self.ended and (self.judges[number], rules) == (judge, version):
                return number
        return None

    def next_scoring(self) -> int:
        """A number for a new scoring."""
        return max([*self.scored, *self.unscored, *self.judges]) + 1

    def chosen(self, scoring: int | None) -> int:
        """The scoring asked for, by default the last that became complete, else the run's own (0).

        Raises:
            SettingError: there is no such scoring.
        """
        if scoring is None:
            return self.ended[-1] if self.ended else 0
        if scoring not in self.known:
            raise SettingError(f"there is no scoring {scoring}; known: {self.known}")
        return scoring

    def all_marked(self, scoring: int) -> bool:
        """Whether every answer that there is has its mark in this scoring."""
        return self.finished.keys() <= self.scored.get(scoring, {}).keys()

"""What a line of a record tells the index.

Lines of calls, verdicts and decisions, which are most, are only located: their checksum is
computed, their run read from their beginning. Outcomes are read by their plain fields: `finished`
and `left_out` of a training, `trial`, `scored`, `unscored` and `scoring` of a benchmark.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import orjson

from agentflow_graph.record.events import FORMAT, Event, event_of, text_of
from agentflow_graph.terminal.viewer.index.fields import (
    as_json,
    mappings,
    number,
    spent,
    text,
    texts,
    whole,
)
from agentflow_graph.terminal.viewer.index.files import Line

LONGEST_NAME = 1000
"""Characters of a run's name; a line with a longer one is passed over."""
MOST_NAMES = 200_000
_BEGINNING = re.compile(
    rb'.{9}\{"event":"(?:asked|answered|failed|verdict|decided)","run":("(?:[^"\\]|\\.)*")'
)
_NAME = re.compile(r"([a-z0-9_]{1,200}-(\d{5,9})(?:-\d+\.\d+)?)/(.+)/(\d{1,9})/\d+")
"""Batch, step, question and number of a training's run: of a step, or of an evaluation on a set."""


class Learner:
    """Puts lines into the index, by one connection.

    Args:
        db: of the index.
        solved_at: the reward from which on a run counts as right.
    """

    def __init__(self, db: sqlite3.Connection, solved_at: float = 1.0) -> None:
        self._db, self._solved_at = db, solved_at
        self._ids: dict[str, int] = {}
        self._learn: dict[str, Callable[[int, Event, Line], None]] = {
            "begun": self._begun,
            "ended": self._ended,
            "finished": self._outcome,
            "left_out": self._outcome,
            "trial": self._trial,
            "scored": self._mark,
            "unscored": self._mark,
        }

    def learn(self, place: Line, line: bytes) -> None:
        """Learn one line of a record; a damaged one, or one of another kind, is counted."""
        if beginning := _BEGINNING.match(line):
            if text_of(line) and (run := self._run(_name(beginning[1]))):
                self._locate(run, place)
            else:
                self._count("damaged", place.file)
            return
        event = event_of(line)
        if event is None:
            self._count("damaged", place.file)
        elif "run" in event:
            self._of_run(event, place)
        elif not self._of_none(event, place):
            self._count("unknown", place.file)

    def _of_run(self, event: Event, place: Line) -> None:
        run = self._run(event["run"])
        if not run:
            self._count("damaged", place.file)
            return
        self._locate(run, place)
        if learn := self._learn.get(event["event"]):
            learn(run, event, place)
        elif event["event"] not in ("asked", "answered", "failed", "verdict", "decided"):
            self._count("unknown", place.file)

    def _of_none(self, event: Event, place: Line) -> bool:
        """Learn an event that belongs to no run; whether its kind is known."""
        match event["event"]:
            case "resources":
                row = (text(event, "digest"), *place)
                self._db.execute("insert or replace into resources values(?, ?, ?, ?)", row)
            case "opened" if event["format"] != FORMAT:
                why = f"format {event['format']}, this version reads {FORMAT}"
                self._db.execute("update files set refused = ? where id = ?", (why, place.file))
            case "scoring":
                self._scoring(whole(event, "scoring"))
            case "opened" | "scoring_begun":
                pass
            case _:
                return False
        return True

    def item(self, place: Line, line: bytes) -> None:
        """Learn a line of a benchmark's items: question and reference answers."""
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            self._count("damaged", place.file)
            return
        told = [text(row, name) for name in ("task", "id", "question")]
        values = (*told, as_json(texts(row, "golds")), text(row, "level"))
        self._db.execute("insert or replace into items values(?, ?, ?, ?, ?)", values)

    def _count(self, what: str, file: int) -> None:
        self._db.execute(f"update files set {what} = {what} + 1 where id = ?", (file,))

    def _locate(self, run: int, place: Line) -> None:
        self._db.execute("insert or ignore into lines values(?, ?, ?, ?)", (run, *place))

    def _run(self, name: str) -> int:
        """Number of a run, which may be new; 0 for a name that is none."""
        if not 0 < len(name) <= LONGEST_NAME:
            return 0
        if name not in self._ids:
            if len(self._ids) >= MOST_NAMES:
                self._ids.clear()
            self._ids[name] = self._new(name)
        return self._ids[name]

    def _new(self, name: str) -> int:
        known = _NAME.fullmatch(name)
        part, step, item, count = known.groups() if known else ("", -1, "", 0)
        self._db.execute(
            "insert or ignore into runs(name, part, step, item, number) values(?, ?, ?, ?, ?)",
            (name, part, int(step), item, int(count)),
        )
        return int(self._db.execute("select id from runs where name = ?", (name,)).fetchone()[0])

    def _set(self, run: int, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"update runs set {names} where id = ?", (*values.values(), run))

    def _begun(self, run: int, event: Event, _: Line) -> None:
        self._set(run, question=text(event, "question"), begun=number(event, "time") or 0.0)

    def _ended(self, run: int, event: Event, place: Line) -> None:
        state = event["state"]
        turns = mappings(state, "turns")
        called = {text(call, "tool", 200) for turn in turns for call in mappings(turn, "calls")}
        self._db.executemany(
            "insert or ignore into tools values(?, ?)", ((tool, run) for tool in called if tool)
        )
        values = {
            "answer": text(state, "answer"),
            "error": text(state, "error"),
            "turns": len(turns),
            "tokens": spent(state),
            "seconds": number(state, "seconds") or 0.0,
        }
        self._set(run, **values, file=place.file, start=place.start, length=place.length)
        failed = text(state, "stopped_by") == "error"
        self._db.execute(
            "update runs set status = ? where id = ? and counts = 0",
            ("failed" if failed else "answered", run),
        )

    def _outcome(self, run: int, event: Event, _: Line) -> None:
        reward, failure = number(event, "reward"), text(event, "failure")
        finished = event["event"] == "finished"
        if failure and text(event, "fault") != "judge":
            status = "failed"
        elif reward is None:
            status = "unscored" if finished else "failed"
        else:
            status = "right" if reward >= self._solved_at else "wrong"
        self._set(
            run,
            item=text(event, "task"),
            number=whole(event, "number"),
            level=text(event, "level", 200),
            golds=as_json(texts(event, "golds")),
            reward=reward,
            status=status,
            fault=text(event, "fault", 20),
            error=failure,
            counts=2 if finished else 1,
        )

    def _trial(self, run: int, event: Event, _: Line) -> None:
        error = text(event, "error")
        self._set(
            run,
            part=text(event, "task", 200),
            item=text(event, "item"),
            number=whole(event, "trial"),
            seconds=number(event, "seconds") or 0.0,
            cost=number(event, "cost"),
            error=error,
            status="failed" if error else "answered",
            counts=2,
        )
        self._db.execute(
            "update runs set (level, golds) = (select level, golds from items "
            "where items.part = runs.part and items.item = runs.item) where id = ? and exists "
            "(select 1 from items where items.part = runs.part and items.item = runs.item)",
            (run,),
        )
        self._shown(run)

    def _mark(self, run: int, event: Event, _: Line) -> None:
        mark = (run, whole(event, "scoring"), number(event, "value"), text(event, "error"))
        answer = text(event, "answer")
        self._db.execute("insert or replace into marks values(?, ?, ?, ?, ?)", (*mark, answer))
        self._shown(run)

    def _scoring(self, scoring: int) -> None:
        """All runs have a mark of this scoring: from now on it is the one that is shown."""
        self._db.execute("insert or ignore into scorings(number) values(?)", (scoring,))
        for (run,) in self._db.execute("select distinct run from marks").fetchall():
            self._shown(run)

    def _shown(self, run: int) -> None:
        """Give a run the mark of the scoring that is shown."""
        mark = self._db.execute(
            "select value, answer from marks where run = ? and scoring = "
            "coalesce((select number from scorings order by place desc limit 1), 0)",
            (run,),
        ).fetchone()
        if mark:
            value, answer = mark
            status = "unscored" if value is None else "right" if value >= 1 else "wrong"
            self._db.execute(
                "update runs set status = ?, reward = ?, answer = coalesce(nullif(?, ''), answer) "
                "where id = ? and status != 'failed'",
                (status, value, answer, run),
            )


def _name(encoded: bytes) -> str:
    try:
        name = orjson.loads(encoded)
    except orjson.JSONDecodeError:
        return ""
    return name if isinstance(name, str) else ""

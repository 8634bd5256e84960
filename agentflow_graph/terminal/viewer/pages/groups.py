"""Questions with all their runs: the groups of a training's step, or a benchmark's items.

One group is shown side by side: what each run earned, its advantage, and the turn where they
parted. The advantage is eq. 7 of arXiv 2510.05592, as `rl/flow_grpo.py` computes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.record.events import Event
from agentflow_graph.terminal.viewer.index.fields import mapping, mappings, number, text
from agentflow_graph.terminal.viewer.index.files import Line
from agentflow_graph.terminal.viewer.pages.fitting import written
from agentflow_graph.terminal.viewer.pages.listing import Query, View, whole_of
from agentflow_graph.terminal.viewer.pages.reading import events_at

PAGE = 40
"""Questions of one page."""
MOST = 64
"""Runs of a question that are shown."""
EPS = 1e-6
"""Added to the deviation, as the trainer does."""
ORDERS = {"first": "min(id)", "wrong": "avg(reward) is null, avg(reward), min(id)"}


def groups(db: sqlite3.Connection, query: Query) -> View:
    """One page of the questions of a part, or of all, each with the marks of its runs.

    Args:
        db: of the index.
        query: `part`, `order` (`first` or `wrong`) and `page` from 1.
    """
    part, order = query.get("part", ""), query.get("order") or "first"
    if order not in ORDERS:
        raise SettingError(f"order={order[:40]!r} is none; choose one of {', '.join(ORDERS)}")
    where = f"where part {'=' if part else '!='} ?"
    page = max(1, whole_of(query, "page") or 1)
    count = db.execute(
        f"select count(*) from (select 1 from runs {where} group by part, item)", (part,)
    ).fetchone()[0]
    rows = db.execute(
        f"select part, item from runs {where} group by part, item order by {ORDERS[order]} "
        "limit ? offset ?",
        (part, PAGE, (page - 1) * PAGE),
    ).fetchall()
    told = [_row(db, row["part"], row["item"]) for row in rows]
    return {"groups": told, "count": count, "page": page, "size": PAGE}


def _row(db: sqlite3.Connection, part: str, item: str) -> View:
    runs = counted(db, part, item)
    rewards = [run["reward"] for run in runs if run["reward"] is not None]
    first = runs[0]
    return {
        "part": part,
        "item": item,
        "question": first["question"][:300],
        "level": first["level"],
        "golds": first["golds"],
        "mean": sum(rewards) / len(rewards) if rewards else None,
        "runs": [[run["name"], run["status"], run["reward"]] for run in runs],
        "answers": sorted({run["answer"][:120] for run in runs if run["status"] != "right"})[:3],
    }


def counted(db: sqlite3.Connection, part: str, item: str) -> list[sqlite3.Row]:
    """The runs of a question, of each number the attempt that counts."""
    rows = db.execute(
        "select * from runs where part = ? and item = ? order by number, counts desc, id desc",
        (part, item),
    )
    best: dict[int, sqlite3.Row] = {}
    for row in rows:
        best.setdefault(row["number"], row)
        if len(best) > MOST:
            break
    return list(best.values())[:MOST]


def group(root: Path, db: sqlite3.Connection, query: Query, statistics: str) -> View:
    """One question with its runs side by side.

    Args:
        root: the folder.
        db: of the index.
        query: `part` and `item`.
        statistics: `algorithm.statistics` of the training.

    Raises:
        SettingError: there is no such question.
    """
    part, item = query.get("part", ""), query.get("item", "")
    rows = counted(db, part, item)
    if not rows:
        raise SettingError(f"{part[:200]!r} has no question {item[:200]!r}; look it up there")
    states = [_state(root, db, row) for row in rows]
    told = advantages(rows, statistics) if part.startswith("train-") else {}
    runs = [_run(row, state, told) for row, state in zip(rows, states, strict=True)]
    shown = ("part", "item", "question", "level", "golds", "step")
    return {**{name: rows[0][name] for name in shown}, **parted(runs), "runs": runs}


def _state(root: Path, db: sqlite3.Connection, row: sqlite3.Row) -> Event:
    if row["file"] is None:
        return {}
    place = Line(row["file"], row["start"], row["length"])
    event = next(events_at(root, db, [place]), None)
    return mapping(event or {}, "state")


def _run(row: sqlite3.Row, state: Event, told: Mapping[str, float]) -> View:
    names = ("name", "number", "status", "reward", "fault", "error", "answer", "tokens", "seconds")
    return {
        **{name: row[name] for name in names},
        "advantage": told.get(row["name"]),
        "turns": [_turn(turn) for turn in mappings(state, "turns")],
    }


def _turn(turn: Event) -> View:
    return {
        "sub_goal": text(turn, "sub_goal"),
        "tool": text(turn, "tool", 200),
        "error": text(turn, "error"),
        "calls": [
            {
                "tool": text(call, "tool", 200),
                "arguments": written(call.get("arguments", {})),
                "status": text(call, "status", 20),
                "result": written(call.get("result", "")),
            }
            for call in mappings(turn, "calls")[:5]
        ],
        "complete": bool(mapping(turn, "verdict").get("complete")),
    }


def parted(runs: Sequence[View]) -> View:
    """The first turn, from 1, in which the runs did not all do the same; 0 if there is none.

    What a run does in a turn is which tool it calls with which arguments. Each turn of each run
    gets a letter: runs with the same letter did the same from the beginning to there.
    """
    first, ways = 0, [""] * len(runs)
    for turn in range(max((len(run["turns"]) for run in runs), default=0)):
        ways = [f"{way}\n{_deed(run, turn)}" for way, run in zip(ways, runs, strict=True)]
        letters = {way: _letter(n) for n, way in enumerate(dict.fromkeys(ways))}
        if len(letters) > 1 and not first:
            first = turn + 1
        for way, run in zip(ways, runs, strict=True):
            if turn < len(run["turns"]):
                run["turns"][turn]["way"] = letters[way]
    return {"parted": first}


def _deed(run: View, turn: int) -> str:
    if turn >= len(run["turns"]):
        return "ended"
    told = run["turns"][turn]
    calls = [(call["tool"], call["arguments"]) for call in told["calls"]]
    return repr(calls or (told["tool"], told["error"]))


def _letter(count: int) -> str:
    return chr(ord("A") + count) if count < 26 else str(count + 1)


def advantages(rows: Sequence[sqlite3.Row], statistics: str = "trajectory") -> dict[str, float]:
    """The advantage of each run of a group by its name; none where a run has no mark yet.

    Where a judge left one unscored the trainer drops the group, and there is none either.
    """
    if any(row["status"] in ("unscored", "unfinished", "answered") for row in rows):
        return {}
    known = [row for row in rows if number(dict(row), "reward") is not None]
    if len({row["reward"] for row in known}) < 2:
        return {row["name"]: 0.0 for row in known}
    by_row = statistics == "row"
    votes = [row["reward"] for row in known for _ in range(row["turns"] if by_row else 1)]
    mean = sum(votes) / len(votes)
    spread = sqrt(sum((one - mean) ** 2 for one in votes) / (len(votes) - by_row))
    return {row["name"]: (row["reward"] - mean) / (spread + EPS) for row in known}

"""Lists of runs, page by page, by what the index knows of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from agentflow_graph.errors import SettingError

PAGE = 50
"""Runs of one page of a list."""
MOST_NAMED = 500
"""Tools, levels and batches among which a reader may choose."""
STATUSES = ("right", "wrong", "failed", "unscored", "answered", "unfinished")
"""The outcomes of a run: the last two have no mark, and no end."""
ORDERS = {
    "begun": "id",
    "latest": "id desc",
    "wrong": "case status when 'wrong' then 0 when 'failed' then 1 when 'unscored' then 2 "
    "when 'unfinished' then 3 when 'answered' then 4 else 5 end, id",
    "slow": "seconds desc, id",
    "tokens": "tokens desc, id",
    "turns": "turns desc, id",
}
"""The orders of a list."""
SHOWN = (
    "name, part, item, number, step, level, golds, substr(question, 1, 300) as question, "
    "substr(answer, 1, 200) as answer, status, reward, fault, substr(error, 1, 200) as error, "
    "turns, tokens, seconds, cost"
)
"""Columns of a row."""
Query = Mapping[str, str]
View = dict[str, Any]


def runs(db: sqlite3.Connection, query: Query) -> View:
    """One page of the runs that pass the filters of `query`.

    Args:
        db: of the index.
        query: `status`, `tool`, `level`, `step`, `part`, `text`, `order` and `page` from 1.

    Raises:
        SettingError: a filter has a value that it cannot have.
    """
    where, values = _where(query)
    order = query.get("order") or "begun"
    if order not in ORDERS:
        raise SettingError(f"order={order[:40]!r} is none; choose one of {', '.join(ORDERS)}")
    page = max(1, whole_of(query, "page") or 1)
    count, cost = db.execute(f"select count(*), sum(cost) from runs {where}", values).fetchone()
    rows = db.execute(
        f"select {SHOWN} from runs {where} order by {ORDERS[order]} limit ? offset ?",
        (*values, PAGE, (page - 1) * PAGE),
    )
    found = [dict(row) for row in rows]
    return {"runs": found, "count": count, "cost": cost, "page": page, "size": PAGE}


def _where(query: Query) -> tuple[str, list[str | int]]:
    """The filters as a condition, and its values."""
    parts: list[str] = []
    values: list[str | int] = []
    for name in ("status", "level", "part"):
        if value := query.get(name):
            parts.append(f"{name} = ?")
            values.append(value)
    if (step := whole_of(query, "step")) is not None:
        parts.append("step = ?")
        values.append(step)
    if tool := query.get("tool"):
        parts.append("id in (select run from tools where tool = ?)")
        values.append(tool)
    if text := query.get("text"):
        pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parts.append("(question like ? escape '\\' or name = ?)")
        values += [f"%{pattern}%", text]
    return (f"where {' and '.join(parts)}" if parts else ""), values


def whole_of(query: Query, name: str) -> int | None:
    """A whole number of a query; None where it has none.

    Raises:
        SettingError: it is no such number.
    """
    value = query.get(name) or ""
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 16):
        raise SettingError(f"{name}={value[:40]!r} is no whole number; give one, such as 1")
    return int(value)


def facets(db: sqlite3.Connection) -> View:
    """What a reader may filter by: outcomes with their counts, tools, levels and steps."""
    statuses = dict(db.execute("select status, count(*) from runs group by status").fetchall())
    return {
        "count": sum(statuses.values()),
        "statuses": [[name, statuses[name]] for name in STATUSES if name in statuses],
        "tools": _distinct(db, "tool", "tools"),
        "levels": [name for name in _distinct(db, "level", "runs") if name],
        "steps": [step for step in _distinct(db, "step", "runs") if step >= 0],
        "parts": [name for name in _distinct(db, "part", "runs") if name],
    }


def _distinct(db: sqlite3.Connection, column: str, table: str) -> list[Any]:
    """The values of an indexed column: one look-up for each, whatever the table holds."""
    rows = db.execute(
        f"with recursive found(value) as (select min({column}) from {table} union all select "
        f"(select min({column}) from {table} where {column} > value) from found "
        "where value is not null) select value from found where value is not null "
        f"limit {MOST_NAMED}"
    )
    return [value for (value,) in rows]

"""A training as the page lists it: each batch with its outcomes, beside its line of metrics."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import yaml

from agentflow_graph.terminal.viewer.index.fields import mapping, number, text, whole
from agentflow_graph.terminal.viewer.index.files import METRICS, lines_from, opened_below
from agentflow_graph.terminal.viewer.pages.listing import Query, View, whole_of

BATCHES = 500
"""Batches of one answer."""
LARGEST = 2**20
"""Bytes of a configuration that is still read."""
STEP = ("success", "reward", "turns", "tool_errors", "seconds", "kl", "wall", "rollout_seconds")
"""Numbers of a line of metrics that are shown."""


def batches(db: sqlite3.Connection, query: Query) -> View:
    """The batches of a training from step `from` on: their runs, by outcome."""
    rows = db.execute(
        "select part, step, count(*) as runs, count(distinct item) as questions, "
        "sum(status = 'right') as right, sum(status = 'wrong') as wrong, "
        "sum(status = 'failed') as failed, sum(status in ('unfinished', 'answered')) as under_way, "
        "avg(reward) as reward from runs where step >= ? and (counts > 0 or status != 'failed') "
        "group by step, part order by step, part limit ?",
        (whole_of(query, "from") or 0, BATCHES),
    ).fetchall()
    return {"batches": [dict(row) for row in rows], "more": len(rows) == BATCHES}


def metrics(root: Path, query: Query) -> View:
    """Entries of `metrics.jsonl` from byte `from` on, and where the next one will begin."""
    start, found = whole_of(query, "from") or 0, []
    try:
        with opened_below(root, METRICS) as file:
            for at, line in lines_from(file, start):
                start = at + len(line)
                with suppress(orjson.JSONDecodeError):
                    entry = orjson.loads(line)
                    if isinstance(entry, dict) and entry.get("kind") in ("step", "evaluation"):
                        found.append(_entry(entry))
    except OSError:  # no training
        return {"entries": [], "next": 0}
    return {"entries": found, "next": start}


def _entry(entry: dict[str, Any]) -> View:
    told = {name: number(entry, name) for name in STEP if name in entry}
    kind, step = text(entry, "kind"), whole(entry, "step")
    warmth = number(entry, "temperature")
    # As the batch is called whose runs it sums up: see `rl/run/record.py`.
    held = text(entry, "set", 200) or "heldout"
    part = f"train-{step:05d}" if kind == "step" else f"{held}-{step:05d}-{warmth}"
    return {"kind": kind, "step": step, "part": part, "temperature": warmth, **told}


def settings(root: Path) -> View:
    """What the viewer needs of a training's configuration.

    `solved_at` is the reward from which a run is right, `statistics` how advantages are made.
    """
    config: Any = {}
    try:
        with opened_below(root, "config.yaml") as file:
            config = yaml.safe_load(file.read(LARGEST))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        pass
    known = config if isinstance(config, dict) else {}
    return {
        "solved_at": number(mapping(known, "evaluation"), "solved_at") or 1.0,
        "statistics": text(mapping(known, "algorithm"), "statistics") or "trajectory",
    }

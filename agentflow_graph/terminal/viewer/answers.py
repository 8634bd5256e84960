"""What the viewer answers by path: the page's own files, and data of the folder as JSON.

    answers = Answers(root, index, follower, settings)
    answers.data("runs", {"status": "wrong"})     # {"runs": [...], "count": ..., ...}

It knows no HTTP: the server says who may ask.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.terminal.viewer.index.files import METRICS
from agentflow_graph.terminal.viewer.index.following import Follower
from agentflow_graph.terminal.viewer.index.store import Index
from agentflow_graph.terminal.viewer.pages import groups, listing, training
from agentflow_graph.terminal.viewer.pages.fitting import Fitting, piece
from agentflow_graph.terminal.viewer.pages.reading import read_run, row_of
from agentflow_graph.terminal.viewer.pages.run import view_of
from agentflow_graph.terminal.viewer.pages.tokens import pieces

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FIRST_TURNS = 3
"""Turns of a run that are sent at once, however long; the others as long as there is room."""
View = dict[str, Any]


def page_files() -> dict[str, tuple[str, bytes]]:
    """The page's own files by path: kind and content. Nothing else is served as a file."""
    folder = files(__package__) / "static"
    known = {
        f"/{each.name}": (KINDS[Path(each.name).suffix], each.read_bytes())
        for each in folder.iterdir()
    }
    return {"/": known["/index.html"], **known}


class Answers:
    """Data of one folder.

    Args:
        root: the folder, resolved.
        index: of it.
        follower: brings the index up to date.
        settings: of a training, as `training.settings` reads them.
    """

    def __init__(
        self, root: Path, index: Index, follower: Follower, settings: Mapping[str, Any]
    ) -> None:
        self.root, self._index, self._follower = root, index, follower
        self._settings = settings
        self._known: dict[str, Callable[[sqlite3.Connection, Mapping[str, str]], View]] = {
            "about": self._about,
            "news": self._news,
            "runs": lambda db, query: _fit(listing.runs(db, query)),
            "run": self._run,
            "turn": self._turn,
            "more": self._more,
            "batches": lambda db, query: _fit(training.batches(db, query)),
            "metrics": lambda _, query: training.metrics(root, query),
            "groups": lambda db, query: _fit(groups.groups(db, query)),
            "group": self._group,
        }

    def data(self, name: str, query: Mapping[str, str]) -> View:
        """What is asked for, as plain data fit to be shown.

        Raises:
            SettingError: there is no such thing, or the query names none.
            KeyError: nothing is called `name`.
        """
        answer = self._known[name]
        with self._index.reading() as db:
            try:
                return answer(db, query)
            except SettingError:
                raise
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                what = f"{type(error).__name__}: {error}"
                raise SettingError(f"this is damaged ({what}); record it again") from error

    def _about(self, db: sqlite3.Connection, _: Mapping[str, str]) -> View:
        trials = db.execute("select 1 from marks limit 1").fetchone()
        batches = db.execute("select 1 from runs where step >= 0 limit 1").fetchone()
        steps = bool(batches) or (self.root / METRICS).is_file()
        kind = "training" if steps else "benchmark" if trials else "record"
        told = {"name": self.root.name, "folder": str(self.root), "kind": kind}
        return _fit({**told, **listing.facets(db)})

    def _news(self, db: sqlite3.Connection, _: Mapping[str, str]) -> View:
        told = db.execute(
            "select coalesce(sum(damaged + torn), 0), coalesce(sum(unknown), 0) from files"
        ).fetchone()
        refused = db.execute("select path, refused from files where refused != '' limit 5")
        progress = self._follower.progress
        return _fit(
            {
                "revision": progress.revision,
                "done": progress.done,
                "size": progress.size,
                "whole": progress.whole,
                "fault": progress.fault,
                "runs": db.execute("select count(*) from runs").fetchone()[0],
                "damaged": told[0],
                "unknown": told[1],
                "refused": [f"{path}: {why}" for path, why in refused],
            }
        )

    def _whole(self, db: sqlite3.Connection, query: Mapping[str, str]) -> View:
        read = read_run(self.root, db, query.get("name", ""))
        view = view_of(read, partial(pieces, self.root))
        row = read.row
        if row["part"].startswith("train-"):
            told = groups.advantages(
                groups.counted(db, row["part"], row["item"]), self._settings["statistics"]
            )
            view["advantage"] = told.get(row["name"])
        return view

    def _run(self, db: sqlite3.Connection, query: Mapping[str, str]) -> View:
        lines = listing.whole_of(query, "lines")
        if lines is not None:  # of a run that is being followed
            run = row_of(db, query.get("name", ""))["id"]
            now = db.execute("select count(*) from lines where run = ?", (run,)).fetchone()[0]
            if now == lines:
                return {"same": True}
        view, fit = self._whole(db, query), Fitting()
        turns = view.pop("turns")
        told = {name: fit(value, (name,)) for name, value in view.items()}
        told["turns"] = [
            fit(turn, ("turns", place))
            if place < FIRST_TURNS or fit.room > 0
            else {"index": turn["index"], "later": place}
            for place, turn in enumerate(turns)
        ]
        return told

    def _turn(self, db: sqlite3.Connection, query: Mapping[str, str]) -> View:
        place = listing.whole_of(query, "place") or 0
        turns = self._whole(db, query)["turns"]
        if place >= len(turns):
            raise SettingError(f"the run has {len(turns)} turns, not {place + 1}; open it again")
        found: View = Fitting()(turns[place], ("turns", place))
        return found

    def _more(self, db: sqlite3.Connection, query: Mapping[str, str]) -> View:
        try:
            at = orjson.loads(query.get("at", ""))
        except orjson.JSONDecodeError:
            at = None
        if not isinstance(at, list):
            raise SettingError("`at` is no list of steps; open the run again")
        return piece(self._whole(db, query), at, listing.whole_of(query, "from") or 0)

    def _group(self, db: sqlite3.Connection, query: Mapping[str, str]) -> View:
        return _fit(groups.group(self.root, db, query, self._settings["statistics"]))


def _fit(view: View) -> View:
    fit: View = Fitting()(view)
    return fit

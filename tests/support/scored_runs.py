"""Runs of four items that nothing has run: their answers and marks are written down."""

from __future__ import annotations

from pathlib import Path

from benchmarks.items.item import Item
from benchmarks.runner.store.folder import Folder, Request

ITEMS = {"bamboogle": {f"q{n}": Item(f"q{n}", f"Who is {n}?", ("gold",)) for n in range(4)}}
STATE = {
    **dict.fromkeys(("answer", "analysis", "stopped_by", "error"), ""),
    "turns": [],
    "outputs": {"direct": "x"},
    "usage": {},
    "seconds": 1.0,
}


def run_with(path: Path, *scorings: tuple[str, str], judge: str = "", **more: object) -> str:
    """A run of four items; of each scoring the judge and the marks.

    They are 0, 1, - for an answer without a mark, and x for one that its judge did not mark.
    """
    folder = Folder(path)
    asked = {"judge": judge, "settings": {}, **more}
    request = Request(path.name, {"bamboogle": "full"}, {"bamboogle": 4}, **asked)  # type: ignore[arg-type]
    folder.create(request, ITEMS)
    with folder.open() as record:
        for name in ITEMS["bamboogle"]:
            about = {"run": f"bamboogle/{name}/1", "task": "bamboogle", "item": name, "trial": 1}
            record.write({"event": "ended", "run": about["run"], "state": STATE})
            record.write({"event": "trial", **about, "seconds": 1.0, "cost": None, "error": ""})
        for number, (by, marks) in enumerate(scorings):
            if number:
                begun = {"scoring": number, "judge": by, "version": "0"}
                record.write({"event": "scoring_begun", **begun})
            for n, mark in enumerate(marks):
                about = {"task": "bamboogle", "item": f"q{n}", "trial": 1, "scoring": number}
                read = {"answer": "x", "rule": "last_line", "f1": None, "reason": ""}
                who = {"by": "judge" if by else "rule", "judge": by}
                if mark == "x":
                    record.write({"event": "unscored", **about, "judge": by, "error": "no verdict"})
                elif mark != "-":
                    record.write({"event": "scored", **about, **read, **who, "value": float(mark)})
            if number and "-" not in marks:
                record.write({"event": "scoring", "scoring": number, "judge": by})
    return str(path)

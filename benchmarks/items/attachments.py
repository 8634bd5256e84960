"""Files that come with a question: what is written in them becomes part of it.

No tool reads a file of the machine, and the graph's models are not asked about images here. So
text is what can be given; the rest stays a question that lacks its file, counted and told by level.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.items.hub import hub_file
from benchmarks.items.item import Benchmark, Item, Row
from benchmarks.items.texts.reading import KINDS, Unreadable, text_of

LONGEST = 20_000
"""Characters of a file that a question holds."""


def attached(benchmark: Benchmark, origin: str, row: Row, item: Item, commit: str) -> Item:
    """The item with its file, if its row has one.

    Args:
        benchmark: it knows which rows have files.
        origin: of the rows: files, or the data set on the hub.
        row: what the item was made of.
        item: without its file.
        commit: of the data set on the hub.

    Raises:
        SettingError: the file is not there, is not what its name says, or a package that reads it
            is missing.
    """
    name = benchmark.attachment(row) if benchmark.attachment else ""
    if not name:
        return item
    kind = Path(name).suffix.lower()
    said = _said(_found(benchmark, origin, name, commit)) if kind in KINDS else ""
    level = "file" if said else f"{kind} not read"
    said = said or f"The attached file {Path(name).name} cannot be read here."
    return replace(item, question=f"{item.question}\n\n{said}", level=f"{item.level}, {level}")


def _found(benchmark: Benchmark, origin: str, name: str, commit: str) -> Path:
    """The file: of the hub, or beside the rows, as in a snapshot, or in a folder of the task.

    Beside the rows by its last name alone: no row may lead out of the folder.
    """
    if origin == benchmark.hub:
        return hub_file(benchmark.hub, name, commit)
    folder, last = Path(origin.split(", ")[0]).parent, Path(name).name
    for place in (folder / last, folder / benchmark.name / last):
        if place.is_file():
            return place
    raise SettingError(
        f"{origin} has an item with the file {last}, which is not there: put it into {folder}, or "
        f"use a snapshot of {benchmark.hub}"
    )


def _said(path: Path) -> str:
    """What the question says of the file; empty if nothing is written in it."""
    try:
        text = text_of(path.name, path.read_bytes())
    except (OSError, Unreadable) as error:
        raise SettingError(f"{path} cannot be read: {error}") from error
    if not text.strip():
        return ""
    more = len(text) - LONGEST
    rest = f"\n[... {more} characters left out ...]" if more > 0 else ""
    return f"The attached file {path.name}, between the lines:\n---\n{text[:LONGEST]}{rest}\n---"

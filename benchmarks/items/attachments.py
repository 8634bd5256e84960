"""Files that come with a question: a text becomes part of it; of another the question says so.

No tool reads a file of the machine, and the graph's models are not asked about images here. So text
is what can be given; the rest stays a question that lacks its file, counted and told by level.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.items.hub import hub_file
from benchmarks.items.item import Benchmark, Item, Row

TEXTS = (
    ".csv",
    ".html",
    ".json",
    ".jsonl",
    ".jsonld",
    ".md",
    ".pdb",
    ".py",
    ".tsv",
    ".txt",
    ".xml",
)
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
        SettingError: the file is not there, or no text although its name says so.
    """
    name = benchmark.attachment(row) if benchmark.attachment else ""
    if not name:
        return item
    kind = Path(name).suffix.lower()
    if kind not in TEXTS:
        said = f"The attached file {Path(name).name} cannot be read here."
        return replace(
            item, question=f"{item.question}\n\n{said}", level=f"{item.level}, {kind} not read"
        )
    path = (
        hub_file(benchmark.hub, name, commit)
        if origin == benchmark.hub
        else _beside(benchmark, origin, name)
    )
    return replace(
        item, question=f"{item.question}\n\n{_quoted(path)}", level=f"{item.level}, file"
    )


def _beside(benchmark: Benchmark, origin: str, name: str) -> Path:
    """The file beside the rows, as in a snapshot of the repository, or in a folder of the task.

    By its last name alone: no row may lead out of the folder.
    """
    folder, last = Path(origin.split(", ")[0]).parent, Path(name).name
    for place in (folder / last, folder / benchmark.name / last):
        if place.is_file():
            return place
    raise SettingError(
        f"{origin} has an item with the file {last}, which is not there: put it into {folder}, or "
        f"use a snapshot of {benchmark.hub}"
    )


def _quoted(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is no UTF-8 text ({error}): get the file again") from None
    more = len(text) - LONGEST
    rest = f"\n[... {more} characters left out ...]" if more > 0 else ""
    return f"The attached file {path.name}, between the lines:\n---\n{text[:LONGEST]}{rest}\n---"

"""GAIA's whole validation split: 165 questions, 38 of them with an attached file.

What is written in a file is part of its question. Of a picture or a sound the question says that it
cannot be read here: such an item counts, and the report tells them apart by level.
`items/texts/reading.py` has the kinds.
"""

from dataclasses import replace

from benchmarks.items.item import Row
from benchmarks.items.subsets import everything
from benchmarks.tasks.gated import gaia


def attachment(row: Row) -> str:
    """Where the row's file is in the data set's repository; empty: it has none."""
    name = str(row.get("file_name") or "")
    return str(row.get("file_path") or f"2023/validation/{name}") if name else ""


BENCHMARK = replace(
    gaia.BENCHMARK,
    name="gaia-files",
    title="GAIA (with files)",
    original=None,
    official=gaia.item_of("gaia-files"),
    keep=lambda row: True,
    attachment=attachment,
    files=("gaia-files/2023/validation/metadata",),
    subsets={"full": {"official": everything(165)}},
    sha256="",
    paper={},
)

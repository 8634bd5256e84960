"""The rows of a file: JSONL, JSON, CSV or parquet.

    for number, row in numbered_rows(Path("train.jsonl")): ...    # a wrong row is its reason
    rows = list(rows_of(Path("train.parquet"), ("question",)))    # a wrong row is an error

JSONL, CSV and parquet are read as a stream.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.items.item import Row

BATCH = 1024
"""Rows of a parquet file in memory at once."""


def rows_of(path: Path, columns: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a file in turn.

    Args:
        path: ends in .jsonl, .json, .csv or .parquet; any other file is read as JSONL.
        columns: of a parquet file those to read, as far as it has them; empty: all.

    Raises:
        SettingError: the file is missing, cannot be read, or a row is no object.
    """
    for number, row in numbered_rows(path, columns):
        if isinstance(row, str):
            raise SettingError(f"{path}:{number} {row}: mend that row or get the file again")
        yield row


def numbered_rows(path: Path, columns: Sequence[str] = ()) -> Iterator[tuple[int, Row | str]]:
    """Number of each row and its fields, or why it has none; arguments as in `rows_of`.

    The number is that of the line in JSONL and counts rows from 1 elsewhere.

    Raises:
        SettingError: the file is missing or not of the format that its name says.
    """
    if path.is_dir():
        raise SettingError(f"{path} is a folder: name a .jsonl, .json, .csv or .parquet file of it")
    if not path.is_file():
        raise SettingError(f"there is no file {path}: name a .jsonl, .json, .csv or .parquet file")
    kind = path.suffix if path.suffix in READERS else ".jsonl"
    try:
        yield from READERS[kind](path, columns)
    except ModuleNotFoundError as error:
        raise SettingError(
            f"{path} needs the package {error.name}: run `make setup` or `pip install {error.name}`"
        ) from error
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise SettingError(
            f"{path} cannot be read as {kind[1:]} ({error}): get it again, or name it after its "
            "format"
        ) from error


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Reader = Callable[[Path, Sequence[str]], Iterator[tuple[int, Row | str]]]


def _jsonl(path: Path, _: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    # newline="\n": other line ends, such as U+2028, are characters that JSON leaves as they are.
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _parse(line)


def _parse(line: str) -> Row | str:
    try:
        line.encode()  # bytes that are no UTF-8
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is not a JSON object: {error}"
    return row if isinstance(row, dict) else f"is not a JSON object: {line.strip()[:40]}"


def _json(path: Path, _: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of rows")
    return _count(rows)


def _csv(path: Path, _: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from _count(csv.DictReader(file))


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            known = [name for name in columns if name in file.schema_arrow.names]
            batches = file.iter_batches(batch_size=BATCH, columns=known if columns else None)
            yield from _count(row for batch in batches for row in batch.to_pylist())
    except ArrowException as error:
        raise ValueError(error) from error


def _count(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[int, Row | str]]:
    yield from enumerate(rows, 1)


READERS: dict[str, Reader] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    ".csv": _csv,
}
"""By the ending of a file's name."""

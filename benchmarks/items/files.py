"""The files of a data folder: which of them hold a benchmark, and the rows inside.

    DIR/bamboogle/data.json, DIR/bamboogle/data/data.json    the original's list
    DIR/bamboogle.jsonl, .json, .csv, .parquet               official rows in one file
    DIR/bamboogle/**/test-00000-of-00001.parquet             a snapshot of the hub's repository

Of a snapshot only the files of the benchmark's configuration and split are read.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.items.item import Benchmark, Row


def original_file(benchmark: Benchmark, data: Path) -> Path | None:
    """The original's `data.json`, if the folder has it; the clone's folder `test` is one such."""
    folder = data / benchmark.name
    paths = (folder / "data.json", folder / "data" / "data.json")
    found = [path for path in paths if path.is_file()]
    return found[0] if benchmark.original is not None and found else None


def official_files(benchmark: Benchmark, data: Path) -> list[Path]:
    """The files with the official rows, in order; empty if the folder has none.

    Raises:
        SettingError: a snapshot holds several files and none is of the benchmark's split.
    """
    for name in (benchmark.name, *benchmark.files):
        for ending in READERS:
            if (path := data / f"{name}{ending}").is_file():
                return [path]
    folder = data / benchmark.name
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in (".parquet", ".jsonl")]
    return _of_split(benchmark, folder, found)


def read(path: Path) -> list[Row]:
    """The rows of one file.

    Raises:
        SettingError: the file cannot be read or is no list of rows.
    """
    try:
        rows = READERS[path.suffix](path)
    except ModuleNotFoundError as error:
        raise SettingError(
            f"{path} needs the package {error.name}: pip install 'agentflow-graph[bench]'"
        ) from error
    except (OSError, ValueError, csv.Error) as error:
        raise SettingError(f"{path} cannot be read ({error}): download it again") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingError(f"{path} is no list of rows: it may be of another data set")
    return rows


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _of_split(benchmark: Benchmark, folder: Path, found: Sequence[Path]) -> list[Path]:
    """Of a snapshot's files those of the configuration and the split, if names tell these."""
    for word in (benchmark.config, benchmark.split):
        found = _naming(word, folder, found) or found
    if len(found) > 1 and not _naming(benchmark.split, folder, found):
        names = ", ".join(str(path.relative_to(folder)) for path in found[:4])
        raise SettingError(
            f"{folder} holds several files ({names}) and none is named after the split "
            f"{benchmark.split!r}: leave only that split there, or give {folder}.jsonl"
        )
    return list(found)


def _naming(word: str, folder: Path, found: Iterable[Path]) -> list[Path]:
    """The files whose name, or a folder of it, begins with `word`."""
    if not word:
        return []
    return [
        path
        for path in found
        if any(part.startswith(word) for part in path.relative_to(folder).parts)
    ]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _jsonl(path: Path) -> list[Any]:
    # Not splitlines(): it also splits at characters such as U+2028, which JSON leaves as they are.
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def _csv(path: Path) -> list[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _parquet(path: Path) -> list[Any]:
    import pyarrow.parquet

    rows: list[Any] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


READERS: dict[str, Callable[[Path], Any]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    ".csv": _csv,
}

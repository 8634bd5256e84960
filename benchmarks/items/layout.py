"""The layout of a data folder: which of its files hold a benchmark.

    DIR/bamboogle/data.json, DIR/bamboogle/data/data.json    the original's list
    DIR/bamboogle.jsonl, .json, .csv, .parquet               official rows in one file
    DIR/bamboogle/**/test-00000-of-00001.parquet             a snapshot of the hub's repository

Of a snapshot only the files of the benchmark's configuration and split are read.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.items.files import READERS
from benchmarks.items.item import Benchmark


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

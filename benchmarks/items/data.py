"""Load a benchmark's items, from a folder or from the hub.

    load(benchmark("medqa"), "agentflow", data=Path("data"))

With a folder nothing is downloaded. Where it holds the original's file and the data set's own rows,
the subset says which is read.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.items.attachments import attached
from benchmarks.items.files import checksum, rows_of
from benchmarks.items.hub import check_access, hub_rows, revision
from benchmarks.items.item import Benchmark, Item, Part, Row, Source
from benchmarks.items.layout import official_files, original_file

PAPER = "agentflow"
"""The subset that must be complete, because it is compared with the paper's numbers."""
LOG = logging.getLogger(__name__)


class NoData(SettingError):
    """The data are not there, which is no fault of them."""


@dataclass(frozen=True)
class Loaded:
    """Items and where they came from."""

    items: list[Item]
    source: Source
    part: Part
    origin: str
    """The file, the folder or the data set on the hub."""
    changed: bool = False
    """The original's file is not the one that its repository ships."""
    revision: str = ""
    """Commit of the data set on the hub; empty for files, and where the hub did not say."""

    @property
    def by_id(self) -> dict[str, Item]:
        """The items by id, in order."""
        return {item.id: item for item in self.items}

    @property
    def described(self) -> dict[str, str]:
        """Where the items are from; the digest `items` tells any change of wording or answers."""
        told = [{k: v for k, v in asdict(i).items() if k != "source_id"} for i in self.items]
        rows = json.dumps(told, ensure_ascii=False)
        files = {
            path: checksum(Path(path)) for path in self.origin.split(", ") if Path(path).is_file()
        }
        return {
            "source": self.source,
            "origin": self.origin,
            "revision": self.revision,
            "sha256": ", ".join(files.values()),
            "items": hashlib.sha256(rows.encode()).hexdigest(),
        }


def load(
    benchmark: Benchmark, subset: str, data: Path | None, limit: int | None = None
) -> list[Item]:
    """The items of `loaded`."""
    return loaded(benchmark, subset, data, limit).items


def loaded(
    benchmark: Benchmark,
    subset: str,
    data: Path | None,
    limit: int | None = None,
    commit: str = "",
) -> Loaded:
    """The items of a subset, in a fixed order; the first `limit` of them if it is given.

    A count other than the subset's is an error for `agentflow`, and else a line in the log. So is
    an original file with another checksum, and `full` of such a file where it is a choice only.
    `commit` is the revision that a data set from the hub is read at; by default the benchmark's
    own, else the newest, which is asked for and noted.

    Raises:
        NoData: neither the folder nor the hub can have this subset.
        SettingError: unknown subset, unreadable file, wrong rows, no permission, wrong limit, or
            a commit that is not the benchmark's own.
    """
    if limit is not None and limit < 1:
        raise SettingError(f"limit={limit}: ask for at least one item")
    if commit and benchmark.revision not in ("", commit):
        raise SettingError(
            f"{benchmark.name} is pinned to commit {benchmark.revision} of {benchmark.hub}, and "
            f"{commit} is asked for: give that one's rows with --data DIR, or begin a new run"
        )
    found = locate(replace(benchmark, revision=commit or benchmark.revision), subset, data)
    _count(benchmark, subset, found)
    _say(benchmark, subset, found)
    return replace(found, items=found.items[:limit])


def must_be_folder(data: Path | None) -> None:
    """Raises SettingError for a folder that is named and not there."""
    if data is not None and not data.is_dir():
        raise SettingError(f"--data {data} is no folder: give one that holds the data")


def locate(benchmark: Benchmark, subset: str, data: Path | None) -> Loaded:
    """The items of a subset, however many there are.

    Raises:
        NoData, SettingError: as `load`.
    """
    parts = benchmark.subset(subset)
    for source, part in parts.items():
        if (found := _found(benchmark, source, data)) is not None:
            origin, rows = found
            items = list(part.choose(_items(benchmark, source, origin, rows)))
            changed = _changed(benchmark, source, origin)
            commit = _commit(benchmark) if origin == benchmark.hub and data is None else ""
            return Loaded(items, source, part, origin, changed, commit)
    raise NoData(_missing(benchmark, subset, data))


def _found(benchmark: Benchmark, source: Source, data: Path | None) -> tuple[str, list[Row]] | None:
    """Rows of a source and where they were, or None if they are not there."""
    if benchmark.generate is not None:
        return "made here", list(benchmark.generate())
    if data is None:
        return (benchmark.hub, _from_hub(benchmark)) if source == "official" else None
    if source == "original":
        path = original_file(benchmark, data)
        return (str(path), list(rows_of(path))) if path else None
    paths = official_files(benchmark, data)
    rows = [row for path in paths for row in rows_of(path)]
    return (", ".join(map(str, paths)), rows) if paths else None


def _from_hub(benchmark: Benchmark) -> list[Row]:
    if benchmark.gated:
        check_access(benchmark.hub)
    instead = "name its folder with --data"
    of = (benchmark.hub, benchmark.config, benchmark.split)
    return list(hub_rows(*of, instead, commit=_commit(benchmark)))


@cache
def _commit_now(name: str) -> str:
    """Asked once, so that what is noted is what was read."""
    return revision(name)


def _commit(benchmark: Benchmark) -> str:
    return benchmark.revision or _commit_now(benchmark.hub)


def _items(benchmark: Benchmark, source: Source, origin: str, rows: Sequence[Row]) -> list[Item]:
    reader = benchmark.original if source == "original" else benchmark.official
    assert reader is not None  # `original_file` finds nothing without one
    kept = ((number, row) for number, row in enumerate(rows) if benchmark.keep(row))
    read = ((row, _item(reader, origin, number, row)) for number, row in kept)
    commit = _commit(benchmark) if benchmark.attachment and origin == benchmark.hub else ""
    return list(_distinct(attached(benchmark, origin, row, item, commit) for row, item in read))


def _item(reader: Callable[[Row], Item], origin: str, number: int, row: Row) -> Item:
    try:
        return reader(row)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SettingError(
            f"{origin}, row {number}: {type(error).__name__} {error}; it has the fields "
            f"{', '.join(map(str, row))}. The file may be of another data set or a newer form of it"
        ) from error


def _distinct(items: Iterator[Item]) -> Iterator[Item]:
    """The items; of those with one question the later ones get their answers into the id."""
    seen: Counter[str] = Counter()
    for item in items:
        if seen[item.id]:
            answers = hashlib.sha256("\n".join(item.golds).encode()).hexdigest()[:6]
            item = replace(item, id=f"{item.id}-{answers}")
        seen[item.id] += 1
        yield item if seen[item.id] == 1 else replace(item, id=f"{item.id}-{seen[item.id]}")


def _changed(benchmark: Benchmark, source: Source, origin: str) -> bool:
    return source == "original" and checksum(Path(origin)) != benchmark.sha256


def _count(benchmark: Benchmark, subset: str, loaded: Loaded) -> None:
    found, expected = len(loaded.items), loaded.part.size
    if found == expected:
        return
    message = (
        f"{benchmark.name}: {subset} has {expected} items and {found} were found in {loaded.origin}"
    )
    if subset == PAPER or not found:
        raise SettingError(f"{message}: the file is incomplete or of another version; get it again")
    LOG.warning("%s; all of these are used", message)


def _say(benchmark: Benchmark, subset: str, loaded: Loaded) -> None:
    """What a reader of the results should know of the data."""
    if loaded.changed:
        LOG.warning(
            "%s is not the file of the original's repository, whose SHA-256 is %s",
            loaded.origin,
            benchmark.sha256,
        )
    official = benchmark.subsets[subset].get("official")
    if loaded.source == "original" and official and official.size != loaded.part.size:
        LOG.warning(
            "%s: %s are the %d items of the original's file, not the %d of %s",
            benchmark.name,
            subset,
            len(loaded.items),
            official.size,
            benchmark.hub,
        )


def _missing(benchmark: Benchmark, subset: str, data: Path | None) -> str:
    folder, name = data or "DIR", benchmark.name
    files_of = {
        "original": f"the original's file as {folder}/{name}/data.json",
        "official": f"rows of {benchmark.hub} as {folder}/{name}.jsonl, .json, .csv or .parquet, "
        f"or a snapshot of it in {folder}/{name}/",
    }
    sources = benchmark.subset(subset)
    wanted = "; or ".join(files_of[source] for source in sources)
    if data is None:
        return f"{name}: {subset} is not on the hub: give a folder with --data DIR and {wanted}"
    hub = "; or leave --data out, to load it from the hub" if "official" in sources else ""
    return f"{name}: no data for {subset} under {data}: put there {wanted}{hub}"

"""A packed file of a record is read like the plain one, and a torn one costs its end alone."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from agentflow_graph.errors import NotWritten
from agentflow_graph.record import read
from agentflow_graph.record.events import damaged_lines, events_in, line_of
from agentflow_graph.record.packed import MOST_LINE, lines_of, pack, packed
from agentflow_graph.record.reading import files_of, tally

RUNS = 3000


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file of runs that asked the planner once each; hard to compress."""
    rng, path = random.Random(1), tmp_path / "part" / "a.jsonl"
    path.parent.mkdir()
    lines = [line_of({"event": "opened", "format": 1, "time": 1.0})]
    for number in range(RUNS):
        call = {"run": f"r{number}", "call": ["planner", 1, 0, "0" * 16]}
        lines.append(
            line_of({"event": "asked", **call, "request": {"text": rng.randbytes(99).hex()}})
        )
        lines.append(line_of({"event": "answered", **call, "answer": {"text": str(number)}}))
    path.write_bytes(b"".join(lines))
    return path


def test_what_is_read_is_the_same(plain: Path) -> None:
    folder, events, size = plain.parent, list(events_in(plain)), plain.stat().st_size
    runs = read(folder)
    pack(plain)
    assert [path.name for path in folder.iterdir()] == ["a.jsonl.zst"]
    (file,) = files_of(folder)
    assert list(events_in(file)) == events
    assert list(events_in(plain)) == events, "whoever listed it before it was packed"
    assert read(folder) == runs
    assert tally([file], "planner") == (RUNS, RUNS)
    assert damaged_lines(file) == 0
    assert file.stat().st_size < size / 2
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_being_packed_is_read_once(plain: Path) -> None:
    whole = plain.read_bytes()
    pack(plain)
    plain.write_bytes(whole)  # a kill before the last step of packing
    assert files_of(plain.parent) == [plain]
    pack(plain)
    assert files_of(plain.parent) == [packed(plain)]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_torn_file_costs_its_end(plain: Path, damage: str) -> None:
    events = list(events_in(plain))
    pack(plain)
    file = packed(plain)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        del data[len(data) * 2 // 3 :]
    else:
        data[len(data) * 2 // 3] ^= 255
    file.write_bytes(bytes(data))
    found = list(events_in(file))
    assert len(found) > len(events) / 3
    assert damaged_lines(file) >= 1
    assert len(read(plain.parent)) == len({event["run"] for event in found[1:]})
    if damage == "cut":
        assert found == events[: len(found)]
    else:  # zstd may notice late; the lines have checksums of their own
        place = {str(event): number for number, event in enumerate(events)}
        places = [place[str(event)] for event in found]
        assert places == sorted(set(places))


def test_a_line_that_memory_does_not_hold_is_not_unpacked_whole(tmp_path: Path) -> None:
    """A few kilobytes from somebody else may stand for gigabytes."""
    bomb = tmp_path / "a.jsonl.zst"
    with bomb.open("wb") as file, ZstdCompressor().stream_writer(file) as out:
        for _ in range(4 * MOST_LINE >> 20):
            out.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        assert damaged_lines(bomb) == 4
        assert tracemalloc.get_traced_memory()[1] < 3.5 * MOST_LINE
    finally:
        tracemalloc.stop()


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plain.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NotWritten, match="No space left"):
        pack(plain)
    assert [path.name for path in plain.parent.iterdir()] == ["a.jsonl"]
    assert b"".join(lines_of(plain)) == whole

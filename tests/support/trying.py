"""Trying a command on damaged files, in this process; see `damage`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from damage import SECRET, damaged, resealed

from agentflow_graph.record.events import line_of

SEED = 20_261_126
COUNT = 6
"""Random ones of each file, beside the fixed ones; a minute in all on two busy cores."""
Run = Callable[[], int]
Capture = pytest.CaptureFixture[str]


class Place:
    """One file, put back whole after each try; or a folder where it should be, or nothing."""

    def __init__(self, path: Path, whole: bytes | None = None) -> None:
        self.path = path
        if whole is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(whole)
        self.whole = path.read_bytes()

    def tries(self, count: int, fixed: bool) -> Iterator[str]:
        for name, data in damaged(self.whole, SEED, count, fixed):
            self.path.write_bytes(data)
            yield name
        self.path.unlink()
        yield "gone"
        self.path.mkdir()
        yield "a folder"
        self.path.rmdir()
        self.path.write_bytes(self.whole)


def hold(
    place: Place,
    run: Run,
    capsys: Capture,
    codes: tuple[int, ...] = (0, 2),
    count: int = COUNT,
    fixed: bool = True,
    told: str = "error: ",
) -> None:
    """Every try ends with one of the codes, and says nothing that it should not."""
    capsys.readouterr()
    for name in place.tries(count, fixed):
        try:
            code = run()
        except BaseException as error:
            pytest.fail(f"{place.path.name}, {name}: {type(error).__name__}: {error}")
        out, err = capsys.readouterr()
        assert code in codes, f"{place.path.name}, {name}: code {code}, {err}"
        assert SECRET not in out + err, f"{place.path.name}, {name}: {out}{err}"
        assert code != 2 or told in out + err, f"{place.path.name}, {name}: {err}"
        assert "Traceback" not in err and len(err) < 4_000, f"{place.path.name}, {name}: {err}"


def records(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.jsonl") if path.parent.name != "data")


def sealed(place: Place, work: Run, capsys: Capture, count: int = 3 * COUNT) -> None:
    """Events that are not what they should be, though their checksums fit."""
    rng = random.Random(SEED)
    for number in range(count):
        place.path.write_bytes(resealed(place.whole, rng, line))
        capsys.readouterr()
        try:
            code = work()
        except BaseException as error:
            pytest.fail(f"{place.path.name}, {SEED}/{number}: {type(error).__name__}: {error}")
        out, err = capsys.readouterr()
        assert code in (0, 1, 2) and "Traceback" not in err, err


def line(event: Any) -> bytes:
    return line_of(event)

"""Folders as the viewer sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from viewing import Seen


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    """Makes a `Seen` of a folder, by default of `run` in the test's own."""
    made: list[Seen] = []

    def make(root: Path = tmp_path / "run") -> Seen:
        made.append(Seen(root, tmp_path / "cache"))
        return made[-1]

    yield make
    for each in made:
        each.follower.stop()

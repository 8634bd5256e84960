"""The rooms of training: each imports only what stands below it, also inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOORS = ("demo", "evaluate", "report", "serve", "train")
ROOMS = {
    "rl": (
        *("__main__", *DOORS, "studies", "planners", "adapter", "preflight", "run", "rollout"),
        *("questions", "reward", "task", "settings", "flow_grpo"),
    ),
    "rl.adapter": (
        *("launch", "patches", "trainer", "update", "workers", "engines"),
        *("arguments", "flags", "cluster", "__init__", "cpu"),
    ),
}
"""By package, its folders and loose files from top to bottom."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(package: str) -> set[tuple[str, str]]:
    """From room to room of `package`, by name."""
    depth = package.count(".") + 1
    found = set()
    for path in modules(package):
        room = path.relative_to(ROOT).with_suffix("").parts[depth]
        for name in imports(path):
            parts = name.split(".")
            if name.startswith(f"{package}.") and parts[depth] != room:
                found.add((room, parts[depth]))
    return found


@pytest.mark.parametrize("package", ROOMS)
def test_every_arrow_between_rooms_points_down(package: str) -> None:
    place = {room: number for number, room in enumerate(ROOMS[package])}
    found = arrows(package)
    assert found
    assert [(a, b) for a, b in sorted(found) if place[a] >= place[b]] == []


def test_training_shows_at_most_a_dozen_entries() -> None:
    shown = {p.name.removesuffix(".py") for p in (ROOT / "rl").iterdir() if p.name[0] not in "._"}
    rooms = shown - {*DOORS, "py.typed"}
    assert rooms == {*ROOMS["rl"], "configs"} - {*DOORS, "__main__"}
    assert len(rooms) <= 12


def test_every_folder_says_what_it_is_for() -> None:
    for path in (ROOT / "rl").rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path

"""What the pages name exists, and the picture of the rooms shows every room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("rl", "benchmarks", "agentflow_graph", "tools")
MAPS = [ROOT / "docs" / "architecture.md", ROOT / "docs" / "glossary.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", MAPS, ids=lambda page: page.name)
def test_every_file_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:rl|benchmarks|agentflow_graph|tools|tests)/[^`]*)`", page.read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_picture_shows_every_room(package: str) -> None:
    text = MAPS[0].read_text()
    picture = re.search(rf"subgraph {package}\[(.*?)\n    end", text, re.DOTALL)
    assert picture
    shown = set(re.findall(r"\w+", picture[1]))
    folder = ROOT / package
    rooms = {path.parent.name for path in folder.glob("*/*.py")}
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    # Named below the picture: each room imports them.
    below = {"errors", "base", "outcomes"}
    assert (rooms | files) - below - shown == set()

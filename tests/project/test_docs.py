"""What the documents name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from agentflow_graph import Context
from agentflow_graph.state import State

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
HISTORY = {"log.md"}
"""Speaks of files as they were."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(r"`(?:tests/)?((?:\w+/)*test_\w+\.py)`", document.read_text())
    if document.name not in HISTORY:
        assert [name for name in named if not (ROOT / "tests" / name).exists()] == []


def test_every_fault_names_a_test() -> None:
    rows = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if "|" in line]
    faults = [row for row in rows if not row.startswith(("|---", "| fault |"))]
    assert len(faults) > 20
    assert [row for row in faults if "test_" not in row.split("|")[3]] == []


def test_every_setting_for_those_who_come_from_the_original_exists() -> None:
    text = (ROOT / "docs" / "from-agentflow.md").read_text()
    settings = re.findall(
        r"^\| `([^`]+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
    )
    known = {*settings, *Context.model_fields, *State.__annotations__}
    named = set()
    for title in ("The solver's arguments", "Training"):
        table = text.partition(f"## {title}")[2].partition("## ")[0]
        right = [line.split("|")[2] for line in table.splitlines() if line.startswith("| `")]
        named |= set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)?)(?:=[^`]*|\[[^`]*)?`", " ".join(right)))
    assert len(named) > 40
    assert named - known == set()


def _texts(path: Path) -> str:
    """What a module says; a blank stands for what is filled in."""
    said = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else " " for one in node.values)
            said.append("".join(map(str, parts)))
    return " ".join("\n".join(said).split())


def test_errors_are_found_by_words_that_they_say() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    words = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    packages = ("agentflow_graph", "tools", "benchmarks", "rl")
    files = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    said = "\n".join(map(_texts, files))
    assert len(words) > 20
    assert [one for one in words if one not in said] == []

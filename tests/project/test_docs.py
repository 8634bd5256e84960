"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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

"""Every block of docs/apps.md does what the page says."""

from __future__ import annotations

from typing import Any

import pytest
from snippets import blocks, printed, promised

PAGE = "docs/apps.md"
SERVER = "http://127.0.0.1:2024"


@pytest.fixture(scope="module")
def python() -> tuple[list[str], list[str]]:
    """The page's blocks of Python: those without a server, and those with."""
    found = blocks(PAGE, "python")
    return [one for one in found if SERVER not in one], [one for one in found if SERVER in one]


async def test_every_block_prints_what_it_says(python: Any) -> None:
    names: dict[str, Any] = {}
    promises = 0
    for block in python[0]:
        lines = await printed(block, names)
        if told := promised(block):
            assert lines == told, block
            promises += 1
    assert promises >= 9


@pytest.mark.integration
@pytest.mark.enable_socket
async def test_the_python_sdk(python: Any, url: str) -> None:
    (block,) = python[1]
    # The tests' server answers by a script; what it says differs from the nano planner's.
    assert await printed(block.replace(SERVER, url), {}) == ["4821"]


@pytest.mark.integration
@pytest.mark.enable_socket
def test_the_javascript_sdk(javascript_runs: Any, url: str) -> None:
    (block,) = blocks(PAGE, "js")
    lines = javascript_runs(block.replace(SERVER, url)).splitlines()
    assert lines[-1] == "4821" and "look_up { query: 'Old Harbor' }" in lines

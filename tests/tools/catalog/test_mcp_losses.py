"""MCP servers that are silent, gone, or list what cannot be used; names that two of them give."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_mcp import RawServers, mute

from tools.catalog import mcp_tools
from tools.catalog.catalog import ToolNameError, load
from tools.catalog.plugins import World

pytestmark = pytest.mark.integration
SOUND = RawServers.SOUND


@pytest.fixture
def named(tmp_path: Path) -> RawServers:
    """Writes a file of servers."""
    return RawServers(tmp_path)


@pytest.fixture
def silent() -> Iterator[str]:
    with mute() as url:
        yield url


def test_what_cannot_be_used_is_lost_alone(
    named: RawServers, caplog: pytest.LogCaptureFixture
) -> None:
    bad: dict[Any, Any] = {
        "no schema": "object",
        "Get Weather": SOUND,
        "list": {"type": "array"},
        "wrong": {"type": "object", "properties": {"query": {"type": "strin"}}},
        "huge": {"type": "object", "description": "x" * 100_000},
        "required": {"type": "object", "required": "query"},
    }
    name = named(maps={**bad, "sound": SOUND})
    world = World(lost={})
    (tool,) = load([name], world=world)
    assert tool.name == "sound"
    assert set(world.lost or ()) == {f"maps#{one}" for one in bad}
    lost: dict[str, str] = world.lost or {}
    assert "up to 128 letters" in lost["maps#Get Weather"]
    assert "'strin' is not valid" in lost["maps#wrong"]
    assert [one.name for one in load([name])] == ["sound"]
    assert "maps#wrong: its schema is none that can be used" in caplog.text
    with pytest.raises(ToolNameError, match="maps#wrong: its schema"):
        load([f"{name}#wrong"])


def test_one_silent_server_and_one_that_is_gone_lose_their_own_tools(
    named: RawServers, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_tools, "LIST_SECONDS", 6.0)
    file = named(maps={"sound": SOUND}, mute=silent, gone="http://127.0.0.1:9/mcp")
    names, world = [file, f"mcp:{silent}", "python_coder"], World(lost={})
    begun = time.monotonic()
    assert [tool.name for tool in load(names, world=world)] == ["sound", "python_coder"]
    assert time.monotonic() - begun < 12  # not one after the other
    lost: dict[str, str] = world.lost or {}
    assert set(lost) == {"mute", "gone", silent}
    assert "MCP server mute cannot be asked (no answer in 6 s)" in lost["mute"]
    assert "is it running" in lost["gone"]
    with pytest.raises(ToolNameError, match="gone cannot be asked"):
        load([file], world=World(without=["mute"]))


async def test_equal_names_get_the_prefix_of_their_server(named: RawServers) -> None:
    both = {"search": SOUND, "web_search": SOUND}
    file = named(maps=both, books={"search": SOUND})
    settings = {"maps_search": {"timeout": 7}}
    found = {tool.name: tool for tool in load([file, "web_search"], settings=settings)}
    assert list(found) == ["maps_search", "maps_web_search", "books_search", "web_search"]
    assert [tool.timeout for tool in found.values()][0] == 7  # type: ignore[attr-defined]
    assert await found["books_search"].ainvoke({"query": "x"}) == "books: search"
    (tool,) = load([f"{file}#web_search"])
    assert await tool.ainvoke({"query": "x"}) == "maps: web_search"


def test_a_server_is_asked_once_for_what_it_lists(named: RawServers) -> None:
    name, world = named(maps={"sound": SOUND}), World(lost={})
    for _ in range(3):
        assert [tool.name for tool in load([name], top_k=4, world=world)] == ["sound"]
    assert named.listings == 1

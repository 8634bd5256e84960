"""MCP servers that are silent, gone, or list what cannot be used; and names that two of them give."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import mcp_tools
from tools.catalog.catalog import ToolNameError, load
from tools.catalog.plugins import World

pytestmark = pytest.mark.integration
SERVER = '''
import json, sys

for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answer = {"jsonrpc": "2.0", "id": asked["id"]}
    match asked["method"]:
        case "initialize":
            info = {"name": "raw", "version": "1"}
            answer["result"] = {
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info
            }
        case "tools/list":
            with open("listed.txt", "a") as log:
                log.write("x")
            answer["result"] = {"tools": json.loads(sys.argv[1])}
        case "tools/call":
            text = f"{sys.argv[2]}: {asked['params']['name']}"
            answer["result"] = {"content": [{"type": "text", "text": text}]}
        case _:
            answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
'''
SOUND = {"type": "object", "properties": {"query": {"type": "string"}, "any": True}}


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file of servers, each from its tools by name and schema; or from an address."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.py").write_text(SERVER)

    def write(**servers: dict[Any, Any] | str) -> str:
        entries: dict[str, Any] = {}
        for name, given in servers.items():
            entries[name] = {"url": given}
            if not isinstance(given, str):
                listed = [{"name": one, "inputSchema": schema} for one, schema in given.items()]
                entries[name] = {"command": sys.executable, "args": ["raw.py"]}
                entries[name]["args"] += [json.dumps(listed), name]
        (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": entries}))
        return "mcp:servers.json"

    return write


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/mcp"


def test_what_cannot_be_used_is_lost_alone(named: Any, caplog: pytest.LogCaptureFixture) -> None:
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
    named: Any, silent: str, monkeypatch: pytest.MonkeyPatch
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


async def test_equal_names_get_the_prefix_of_their_server(named: Any) -> None:
    both = {"search": SOUND, "web_search": SOUND}
    file = named(maps=both, books={"search": SOUND})
    settings = {"maps_search": {"timeout": 7}}
    found = {tool.name: tool for tool in load([file, "web_search"], settings=settings)}
    assert list(found) == ["maps_search", "maps_web_search", "books_search", "web_search"]
    assert [tool.timeout for tool in found.values()][0] == 7  # type: ignore[attr-defined]
    assert await found["books_search"].ainvoke({"query": "x"}) == "books: search"
    (tool,) = load([f"{file}#web_search"])
    assert await tool.ainvoke({"query": "x"}) == "maps: web_search"


def test_a_server_is_asked_once_for_what_it_lists(named: Any, tmp_path: Path) -> None:
    name, world = named(maps={"sound": SOUND}), World(lost={})
    for _ in range(3):
        assert [tool.name for tool in load([name], top_k=4, world=world)] == ["sound"]
    assert (tmp_path / "listed.txt").read_text() == "x"

"""Tools of MCP servers: started by a command or reached by an address."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.catalog.catalog import ToolNameError, card, load
from tools.catalog.mcp_servers import ServerError, servers

SERVER = '''
import asyncio, sys
from mcp.server.mcpserver import MCPServer

server = MCPServer("maps")

@server.tool()
def distance(start: str, goal: str = "Old Harbor") -> str:
    """Kilometers between   two places."""
    return f"{start} to {goal}: 12 km"

@server.tool()
def broken() -> str:
    """Fails."""
    raise ValueError("no map")

@server.tool()
async def slow() -> str:
    """Hangs."""
    await asyncio.sleep(60)
    return "late"

@server.tool()
def secret() -> str:
    """The environment."""
    import os
    return " ".join(sorted(os.environ))

@server.tool()
def huge() -> str:
    """Too much."""
    return "\\x1b[31m" + "x" * 1_000_000
'''
RUN_STDIO = 'if __name__ == "__main__":\n    server.run("stdio")\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "maps.py"
    path.write_text(SERVER + RUN_STDIO)
    return path


@pytest.fixture
def config(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAPS_PROGRAM", str(program))
    monkeypatch.setenv("PLANTED_API_KEY", "planted-secret-value")
    entry = {"command": sys.executable, "args": ["${MAPS_PROGRAM}"], "env": {"GIVEN": "1"}}
    path = tmp_path / "servers.json"
    path.write_text(json.dumps({"mcpServers": {"maps": entry}}))
    return path


@pytest.mark.integration
async def test_a_server_that_is_started(config: Path) -> None:
    loaded = {one.name: one for one in load([f"mcp:{config}"])}
    assert list(loaded) == ["distance", "broken", "slow", "secret", "huge"]
    assert card(loaded["distance"]) == (
        "distance: Kilometers between two places.\n"
        "  arguments:\n"
        "    start (string)\n"
        "    goal (string, optional)"
    )
    assert await loaded["distance"].ainvoke({"start": "Écija"}) == "Écija to Old Harbor: 12 km"
    seen = (await loaded["secret"].ainvoke({})).split()
    assert "GIVEN" in seen
    assert "PLANTED_API_KEY" not in seen


@pytest.mark.integration
async def test_one_tool_of_a_server(config: Path) -> None:
    (found,) = load([f"mcp:{config}#broken"], settings={"broken": {"timeout": 20}})
    text, result = await found._arun()  # type: ignore[attr-defined]
    assert result["status"] == "error"
    assert "no map" in text or "broken" in text
    with pytest.raises(ToolNameError, match="no tool is called 'nothing'; there are distance"):
        load([f"mcp:{config}#nothing"])


@pytest.mark.integration
async def test_a_started_server_ends_with_its_call(config: Path, program: Path) -> None:
    def running() -> bool:
        lines = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
        return str(program) in lines.stdout

    (found,) = load([f"mcp:{config}#slow"])
    call = asyncio.create_task(found.ainvoke({}))
    async with asyncio.timeout(60):
        while not running():
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not running()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The same server over streamable HTTP."""
    import uvicorn

    scope: dict[str, object] = {"__name__": "maps"}
    exec(SERVER, scope)
    app = scope["server"].streamable_http_app()  # type: ignore[attr-defined]
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/mcp"
    server.should_exit = True
    thread.join(10)


@pytest.mark.integration
async def test_a_server_by_its_address(address: str) -> None:
    found = {one.name: one for one in load([f"mcp:{address}"])}
    assert await found["distance"].ainvoke({"start": "A", "goal": "B"}) == "A to B: 12 km"
    text, result = await found["distance"]._arun()  # type: ignore[attr-defined]
    assert result["status"] == "error"
    assert "start" in text
    text = await found["huge"].ainvoke({})
    assert text.startswith("\\x1b[31mxxx")
    assert len(text) <= 3500
    assert "characters left out" in text


@pytest.mark.integration
async def test_a_server_that_hangs_is_a_timeout(address: str) -> None:
    (found,) = load([f"mcp:{address}#slow"], settings={"slow": {"timeout": 0.5}})
    started = time.monotonic()
    text, result = await found._arun()  # type: ignore[attr-defined]
    assert result["status"] == "timeout", text
    assert time.monotonic() - started < 5


@pytest.mark.integration
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolNameError, match="cannot be asked.*is it running"):
        load(["mcp:http://127.0.0.1:9/mcp"])
    path = tmp_path / "servers.json"
    path.write_text(json.dumps({"mcpServers": {"maps": {"command": "/no/such/program"}}}))
    with pytest.raises(ToolNameError, match="maps cannot be asked"):
        load([f"mcp:{path}"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "cannot read MCP servers"),
        ("{}", "names no servers"),
        ('{"mcpServers": {"maps": {}}}', "needs either `url` or `command`"),
        ('{"mcpServers": {"maps": 3}}', "badly described"),
        ('{"mcpServers": {"maps": {"url": "u", "headers": 3}}}', "badly described"),
        ('{"mcpServers": {"maps": {"url": "${NOT_SET_HERE}"}}}', "variable NOT_SET_HERE"),
    ],
)
def test_a_file_that_names_no_server(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "servers.json"
    path.write_text(content)
    with pytest.raises(ServerError, match=said):
        servers(str(path))


def test_a_server_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPS_KEY", "planted-secret-value")
    path = tmp_path / "servers.json"
    path.write_text(
        '{"mcpServers": {"maps": {"url": "http://maps", "headers": {"X-Key": "${MAPS_KEY}"}}}}'
    )
    (server,) = servers(str(path))
    assert server.headers == {"X-Key": "planted-secret-value"}
    assert "planted" not in repr(server)

"""MCP servers without the SDK: they start at once, and list what no honest one lists.

servers = RawServers(folder)
tools = f"default,{servers(maps={'distance': SOUND}, gone='http://127.0.0.1:9/mcp')}"
with mute() as url:     # takes connections and never says a word
...
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

SERVER = """
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
            with open(sys.argv[0].replace("raw.py", "listed.txt"), "a") as log:
                log.write("x")
            answer["result"] = {"tools": json.loads(sys.argv[1])}
        case "tools/call":
            text = f"{sys.argv[2]}: {asked['params']['name']}"
            answer["result"] = {"content": [{"type": "text", "text": text}]}
        case _:
            answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
"""


class RawServers:
    """Writes files of servers to `folder`; calling it gives the name of their tools."""

    SOUND: ClassVar[Any] = {
        "type": "object",
        "properties": {"query": {"type": "string"}, "any": True},
        "required": ["query"],
    }

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "raw.py").write_text(SERVER)

    def __call__(self, **servers: dict[Any, Any] | str) -> str:
        """By name: tools by name with their schemas, or an address."""
        entries: dict[str, Any] = {}
        for name, given in servers.items():
            entries[name] = {"url": given}
            if not isinstance(given, str):
                listed = [{"name": one, "inputSchema": schema} for one, schema in given.items()]
                program = str(self._folder / "raw.py")
                entries[name] = {"command": sys.executable}
                entries[name]["args"] = [program, json.dumps(listed), name]
        file = self._folder / "servers.json"
        file.write_text(json.dumps({"mcpServers": entries}))
        return f"mcp:{file}"

    @property
    def listings(self) -> int:
        """How often any of them was asked for its tools."""
        log = self._folder / "listed.txt"
        return len(log.read_text()) if log.exists() else 0


@contextmanager
def mute() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/mcp"

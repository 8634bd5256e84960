"""MCP servers: how they are named, and a session with one (Model Context Protocol to 2026-07-28).

    server, = servers("http://127.0.0.1:8000/mcp")
    async with server.session(seconds=15) as client:
        page = await client.list_tools()

A file of servers is the JSON that MCP hosts share; `${NAME}` in it is read from the environment, so
that it holds no key:

    {"mcpServers": {"maps": {"url": "https://...", "headers": {"Authorization": "Bearer ${KEY}"}},
                    "files": {"command": "python", "args": ["server.py"], "env": {}}}}

Each call opens a session of its own, which works from any event loop and survives a restart of the
server; one that is started by a command starts each time and keeps nothing between calls.
Such a server gets PATH, HOME and the like, and of the rest of the environment only what `env` says.

Why not langchain-mcp-adapters: up to 0.3.2 it needs the SDK's version 1, and vLLM needs version 2.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from tools.outcomes.files import json_of, text_of
from tools.outcomes.outside import ShownError, shown
from tools.outcomes.secrets import holds_credentials, keep_address, keep_named
from tools.outcomes.terminal import relayed

if TYPE_CHECKING:
    from mcp import Client

_VARIABLE = re.compile(r"\$\{(\w+)\}")


Sift = Callable[[list[Any]], list[Any]]


class ServerError(ShownError):
    """An MCP server cannot be used; the message names it, the reason and the remedy."""


class Server(BaseModel, frozen=True):
    """How to reach one server: by `url`, or by starting `command`."""

    name: str
    url: str = ""
    headers: dict[str, str] = Field(default={}, repr=False)
    command: str = ""
    args: list[str] = []
    env: dict[str, str] = Field(default={}, repr=False)

    @property
    def prefix(self) -> str:
        """What tells its tools from others of the same names."""
        called = self.name if self.name != self.url.partition("?")[0] else self.name.split("//")[1]
        return re.sub(r"[^A-Za-z0-9_-]+", "-", called).strip("-")[:40]

    @asynccontextmanager
    async def session(self, seconds: float, sift: Sift | None = None) -> AsyncIterator[Client]:
        """A connected client; no wait of it for the server is longer than `seconds`.

        `sift` takes the tools that the server lists, as it sends them, and gives those to be read.

        Raises:
            ServerError: the SDK is not installed, or the server does not answer.
        """
        try:
            from mcp import Client, StdioServerParameters
            from mcp.client.stdio import stdio_client
            from mcp.client.streamable_http import streamable_http_client

            from tools.catalog.mcp_client import bounded_client, sifted
        except ImportError as fault:
            raise ServerError(
                f"MCP needs {fault.name}: run `make setup` or `pip install mcp`"
            ) from fault
        if self.command:
            started = StdioServerParameters(command=self.command, args=self.args, env=self.env)
            with relayed() as log:
                transport = stdio_client(started, errlog=log)
                async with Client(sifted(transport, sift), read_timeout_seconds=seconds) as client:
                    yield client
            return
        async with bounded_client(self.name, self.headers, seconds) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(sifted(transport, sift), read_timeout_seconds=seconds) as client:
                yield client


def reason(fault: BaseException) -> str:
    """The first cause inside the groups that the SDK's tasks raise, in one line."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return " ".join(shown(f"{type(fault).__name__}: {fault}").split())[:200]


def servers(target: str) -> list[Server]:
    """The servers that a URL or a JSON file names.

    Raises:
        ServerError: the file cannot be read, has no `mcpServers`, or names an unset variable.
    """
    if target.startswith(("http://", "https://")):
        if holds_credentials(target):
            raise ServerError(
                f"MCP server {target} has a user or a password in its address: name a JSON file "
                'with {"mcpServers": {NAME: {"url": ..., "headers": {...}}}} instead'
            )
        return [Server(name=target.partition("?")[0], url=target)]
    try:
        content = json_of(text_of(Path(target)))
    except ValueError as fault:
        raise ServerError(
            f"cannot read MCP servers from {target!r} ({fault}): give a URL or a "
            'JSON file with {"mcpServers": {...}}'
        ) from fault
    match content:
        case {"mcpServers": dict(named)}:
            return [_server(name, table) for name, table in named.items()]
    raise ServerError(f'{target} names no servers: write {{"mcpServers": {{NAME: ...}}}}')


def _server(name: str, table: Any) -> Server:
    if not isinstance(table, dict):
        raise ServerError(f"MCP server {name!r} is badly described: it is no object")
    filled = _filled(name, table)
    try:
        server = Server.model_validate({**filled, "name": name})
    except (TypeError, ValidationError) as fault:
        where = fault.errors()[0]["loc"] if isinstance(fault, ValidationError) else "the entry"
        raise ServerError(f"MCP server {name!r} is badly described ({where}): mend it") from None
    for key, value in (*server.headers.items(), *server.env.items()):
        keep_named(key, value)
    keep_address(server.url)
    if bool(server.url) == bool(server.command):
        raise ServerError(f"MCP server {name!r} needs either `url` or `command`: give it one")
    return server


def _filled(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(name, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(name, inner) for inner in value]
    return (
        _VARIABLE.sub(lambda m: _variable(name, m[1]), value) if isinstance(value, str) else value
    )


def _variable(server: str, name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ServerError(
            f"MCP server {server!r} needs the variable {name}: set it in the environment"
        ) from None

"""Tools of MCP servers as LangChain tools (Model Context Protocol, revisions to 2026-07-28).

    tools = await list_tools(servers("http://127.0.0.1:8000/mcp")[0])
    tools = [t for server in servers("servers.json") for t in await list_tools(server)]

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

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from tools.base import TypedTool
from tools.outcomes.files import json_of, text_of
from tools.outcomes.outside import ShownError, shown
from tools.outcomes.result import ToolResult, away, error, ok, shorten, unavailable
from tools.outcomes.secrets import holds_credentials, keep_address, keep_named
from tools.outcomes.terminal import relayed

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, ContentBlock, Tool

CALL_SECONDS = 60.0
LIST_SECONDS = 15.0
LONGEST_DESCRIPTION = 1000  # characters; a server writes it, and the planner reads it every turn
# MCP, revision 2025-11-25, "Tool Names"; the slash was common before. A planner must write it.
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


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

    @asynccontextmanager
    async def session(self, seconds: float) -> AsyncIterator[Client]:
        """A connected client; no wait of it for the server is longer than `seconds`.

        Raises:
            ServerError: the SDK is not installed, or the server does not answer.
        """
        try:
            from mcp import Client, StdioServerParameters
            from mcp.client.stdio import stdio_client
            from mcp.client.streamable_http import streamable_http_client

            from tools.catalog.mcp_client import bounded_client
        except ImportError as fault:
            raise ServerError(
                f"MCP needs {fault.name}: run `make setup` or `pip install mcp`"
            ) from fault
        if self.command:
            started = StdioServerParameters(command=self.command, args=self.args, env=self.env)
            with relayed() as log:
                transport = stdio_client(started, errlog=log)
                async with Client(transport, read_timeout_seconds=seconds) as client:
                    yield client
            return
        async with bounded_client(self.name, self.headers, seconds) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, read_timeout_seconds=seconds) as client:
                yield client


class McpTool(TypedTool):
    """One tool of a server; the server checks its arguments."""

    server: Any = Field(exclude=True)
    remote_name: str

    async def answer(self, **arguments: Any) -> ToolResult:
        """Call it, and put what comes back into text."""
        seconds = self.timeout or CALL_SECONDS
        server: Server = self.server
        try:
            async with server.session(seconds) as client:
                return to_result(await client.call_tool(self.remote_name, arguments))
        except ServerError as fault:
            return away(unavailable(str(fault)))
        except Exception as fault:
            text = f"{server.name} cannot be asked ({reason(fault)}): is it running?"
            return away(unavailable(text))


def to_result(result: CallToolResult) -> ToolResult:
    """A server's answer as text; what is no text is named, not shown."""
    parts = [_text(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts).strip()
    if result.is_error:
        return error(text or "the tool failed and said nothing: change the arguments")
    return ok(text or "the tool gave an empty answer")


def _text(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "resource_link":
            return f"[resource {block.uri}]"
        case "image" | "audio":
            return f"[{block.mime_type} left out]"
        case "resource":
            # Text or a blob; both are described by their fields.
            inner = block.resource.model_dump()
            return str(inner.get("text") or f"[{inner['uri']} left out]")


async def list_tools(server: Server) -> list[McpTool]:
    """The tools of a server, in its order.

    Raises:
        ServerError: the server does not answer within 15 s, or not as an MCP server.
    """
    try:
        async with asyncio.timeout(LIST_SECONDS), server.session(LIST_SECONDS) as client:
            found = await _all_pages(client)
    except ServerError:
        raise
    except Exception as fault:
        raise ServerError(
            f"MCP server {server.name} cannot be asked ({reason(fault)}): is it running, and is "
            "the address or command right?"
        ) from fault
    return [_made(server, tool) for tool in found]


async def _all_pages(client: Client) -> list[Tool]:
    page = await client.list_tools()
    found = list(page.tools)
    while page.next_cursor:
        page = await client.list_tools(cursor=page.next_cursor)
        found += page.tools
    return found


def _made(server: Server, tool: Tool) -> McpTool:
    if not _NAME.fullmatch(tool.name):
        raise ServerError(
            f"MCP server {server.name} calls a tool {tool.name[:60]!r}: a name has up to 128 "
            "letters, digits and _ - . /"
        )
    return McpTool(
        name=tool.name,
        description=shorten(tool.description or tool.name, LONGEST_DESCRIPTION),
        args_schema=tool.input_schema,
        server=server,
        remote_name=tool.name,
        metadata={"source": "mcp"},
    )


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

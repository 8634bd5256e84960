"""Tools of MCP servers as LangChain tools.

    found = listed(servers("servers.json"), Listings(64))
    found[0].tools, found[0].lost

All servers are asked at the same time. One that is silent or gone loses its own tools; a tool that
no planner could write, or whose schema is none, is lost alone. Whoever asks decides what a loss is.

Why not langchain-mcp-adapters: up to 0.3.2 it needs the SDK's version 1, and vLLM needs version 2.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from tools.base import TypedTool, run_blocking
from tools.catalog.mcp_servers import Server, ServerError, reason
from tools.outcomes.outside import shown
from tools.outcomes.result import ToolResult, away, error, ok, shorten, timeout, unavailable
from tools.outcomes.threads import Kept

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, ContentBlock, Tool

CALL_SECONDS = 60.0
LIST_SECONDS = 15.0
"""Until a server has listed its tools; one that is started by a command may have to be fetched."""
LEAVING = 1.0
"""Seconds beyond that, for a session that does not end."""
LONGEST_DESCRIPTION = 1000  # characters; a server writes it, and the planner reads it every turn
LONGEST_SCHEMA = 50_000  # characters of JSON; the executor's model reads it
# MCP, revision 2025-11-25, "Tool Names"; the slash was common before. A planner must write it.
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")


class McpTool(TypedTool):
    """One tool of a server; the server checks its arguments."""

    server: Any = Field(exclude=True)
    remote_name: str

    async def answer(self, **arguments: Any) -> ToolResult:
        """Call it, and put what comes back into text."""
        seconds = self.timeout or CALL_SECONDS
        server: Server = self.server
        try:
            async with asyncio.timeout(seconds) as clock, server.session(seconds) as client:
                return to_result(await client.call_tool(self.remote_name, arguments))
        except ServerError as fault:
            return away(unavailable(str(fault)))
        except Exception as fault:
            if clock.expired():
                return timeout(f"{server.name} gave no result in {seconds:g} s: ask for less")
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


class Listing(NamedTuple):
    """What a server offers: tools in its order; and what of it is lost, by name, with the reason.

    The server's own name stands for all of its tools, else `SERVER#TOOL` for one.
    """

    tools: tuple[McpTool, ...]
    lost: dict[str, str]


class Listings(Kept[str, Listing]):
    """What servers listed, by all that they are reached with."""


def listed(servers: Sequence[Server], listings: Listings) -> list[Listing]:
    """What each of the servers offers; all are asked at once, but for those in `listings`."""
    futures = [_begun(server, listings) for server in servers]
    wait(futures, LIST_SECONDS + LEAVING)
    return [_outcome(server, future) for server, future in zip(servers, futures, strict=True)]


def _begun(server: Server, listings: Listings) -> Future[Listing]:
    ask = partial(run_blocking, daemon=True)
    return listings.begin(server.model_dump_json(), lambda: ask(list_tools(server)))


def _outcome(server: Server, future: Future[Listing]) -> Listing:
    try:
        return future.result(0)
    except ServerError as fault:
        return Listing((), {server.name: str(fault)})
    except TimeoutError:
        why = f"MCP server {server.name} does not end its session: start it again"
        return Listing((), {server.name: why})


async def list_tools(server: Server) -> Listing:
    """The tools of a server.

    Raises:
        ServerError: the server does not answer within 15 s, or not as an MCP server.
    """
    lost: dict[str, str] = {}

    def sift(listed: list[Any]) -> list[Any]:
        faults = [_fault(tool) for tool in listed]
        for tool, fault in zip(listed, faults, strict=True):
            if fault:
                name = shown(str(tool.get("name") if isinstance(tool, dict) else tool))
                lost[f"{server.name}#{' '.join(name.split())[:60]}"] = fault
        return [tool for tool, fault in zip(listed, faults, strict=True) if not fault]

    try:
        async with (
            asyncio.timeout(LIST_SECONDS) as clock,
            server.session(LIST_SECONDS, sift) as client,
        ):
            found = await _all_pages(client)
    except ServerError:
        raise
    except Exception as fault:
        why = f"no answer in {LIST_SECONDS:g} s" if clock.expired() else reason(fault)
        raise ServerError(
            f"MCP server {server.name} cannot be asked ({why}): is it running, and is "
            "the address or command right?"
        ) from fault
    return Listing(tuple(_made(server, tool) for tool in found), lost)


async def _all_pages(client: Client) -> list[Tool]:
    page = await client.list_tools()
    found = list(page.tools)
    while page.next_cursor:
        page = await client.list_tools(cursor=page.next_cursor)
        found += page.tools
    return found


def _fault(tool: Any) -> str:
    """Why a tool, as a server sends it, cannot be used; empty if it can."""
    from mcp.types import Tool

    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "a name has up to 128 letters, digits and _ - . /"
    if said := _schema_fault(tool.get("inputSchema")):
        return f"its schema is none that can be used ({said})"
    try:
        Tool.model_validate(tool)
    except ValueError as fault:
        return f"it is not described as MCP wants it ({reason(fault)})"
    return ""


def _schema_fault(schema: Any) -> str:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "it is not of an object"
    try:
        if len(json.dumps(schema)) > LONGEST_SCHEMA:
            return f"it has more than {LONGEST_SCHEMA:,} characters"
        validator_for(schema, Draft202012Validator).check_schema(schema)
    except SchemaError as fault:
        return shorten(shown(fault.message), 200)
    except RecursionError:
        return "it is nested too deeply"
    return ""


def _made(server: Server, tool: Tool) -> McpTool:
    return McpTool(
        name=tool.name,
        description=shorten(tool.description or tool.name, LONGEST_DESCRIPTION),
        args_schema=tool.input_schema,
        server=server,
        remote_name=tool.name,
        metadata={"source": "mcp"},
    )

"""Tools that are not ours: by import path, by entry point, and from MCP servers.

    my_package.tools:weather        a BaseTool, or a class of one that needs no arguments
    weather                         the entry point `weather` of the group `agentflow_graph.tools`
    mcp:http://127.0.0.1:8000/mcp   every tool of a server; with #NAME at the end only that one
    mcp:servers.json                every tool of every server in the file

A package that brings tools says so in its pyproject.toml:

    [project.entry-points."agentflow_graph.tools"]
    weather = "my_package.tools:weather"
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from langchain_core.tools import BaseTool

from tools.catalog import mcp_servers, mcp_tools
from tools.catalog.mcp_servers import Server
from tools.catalog.mcp_tools import Listing, Listings, McpTool
from tools.catalog.settings import Settings, SettingsError
from tools.outcomes.extras import unfound
from tools.outcomes.outside import ShownError

GROUP = "agentflow_graph.tools"
LONGEST_NAME = 128
_MCP = "mcp:"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """What of the servers around us may be lost, is, and was known before."""

    lost: dict[str, str] | None = None
    """Takes what is lost, by the name of its server or as `SERVER#TOOL`, with the reason; with
    None, a server that is lost is an error."""
    without: Container[str] = ()
    """Servers that are not asked."""
    listings: Listings = field(default_factory=lambda: Listings(64))
    """What servers listed before; they are not asked again."""


class ToolNameError(ShownError, ValueError):
    """A name stands for no tool; the message says which do."""


def find(name: str, ours: Iterable[str], settings: Settings) -> list[BaseTool]:
    """The tools that a name that is none of `ours` stands for; several only for `mcp:`.

    Raises:
        ToolNameError: it stands for none, or what it stands for cannot be loaded.
    """
    if name.startswith(_MCP):
        return told_apart(offered([name], World(), settings)[name], settings)
    if ":" in name:
        return [_imported(name)]
    for entry in entry_points(group=GROUP, name=name):
        return [_entered(entry)]
    known = [*ours, *entry_points(group=GROUP).names]
    close = get_close_matches(name, known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else "."
    raise ToolNameError(
        f"no tool is called {name!r}{guess} Known: {', '.join(known)}, package.module:attribute, "
        "or mcp:URL"
    )


def _imported(path: str) -> BaseTool:
    module, _, attribute = path.partition(":")
    try:
        found = vars(import_module(module))[attribute]
    except (ImportError, KeyError, ValueError) as fault:
        raise ToolNameError(f"cannot import tool {path!r}: {unfound(path, fault)}") from fault
    return _as_tool(path, found)


def _entered(entry: EntryPoint) -> BaseTool:
    try:
        found = entry.load()
    except Exception as fault:  # a package of anybody's may raise anything when imported
        package = entry.dist.name if entry.dist else "its package"
        raise ToolNameError(
            f"cannot load tool {entry.name!r} = {entry.value} "
            f"({type(fault).__name__}: {fault}): mend or remove {package}"
        ) from fault
    return _as_tool(entry.name, found)


def _as_tool(path: str, found: object) -> BaseTool:
    tool = found() if isinstance(found, type) and issubclass(found, BaseTool) else found
    if not isinstance(tool, BaseTool):
        raise ToolNameError(
            f"{path!r} is a {type(tool).__name__}: it must be a langchain_core BaseTool; "
            "wrap a function with @tool"
        )
    return tool


def offered(names: Iterable[str], world: World, settings: Settings) -> dict[str, list[BaseTool]]:
    """The tools of every name among `names` that is an `mcp:`; all servers are asked at once.

    Raises:
        ToolNameError: a name stands for none, or a server is lost and that is not to be borne.
    """
    asked = {name: _servers(name, world) for name in names if name.startswith(_MCP)}
    every = [server for servers in asked.values() for server in servers]
    listings = iter(mcp_tools.listed(every, world.listings))
    return {
        name: _of_listings(name, [next(listings) for _ in servers], world, settings)
        for name, servers in asked.items()
    }


def _servers(name: str, world: World) -> list[Server]:
    try:
        found = mcp_servers.servers(name.removeprefix(_MCP).partition("#")[0])
    except mcp_servers.ServerError as fault:
        raise ToolNameError(f"{name!r}: {fault}") from fault
    return [server for server in found if server.name not in world.without]


def _of_listings(
    name: str, listings: list[Listing], world: World, settings: Settings
) -> list[BaseTool]:
    only = name.partition("#")[2]
    tools = [tool for listing in listings for tool in listing.tools]
    names = [tool.remote_name for tool in tools]
    lost = {what: why for listing in listings for what, why in listing.lost.items()}
    told = {what: why for what, why in lost.items() if only in (what.partition("#")[2], "")}
    told |= {what: why for what, why in lost.items() if "#" not in what}
    for what, why in told.items():
        gone = "#" not in what or bool(only)
        if gone and world.lost is None and only not in names:
            raise ToolNameError(f"{name!r}: {what}: {why}")
        _log.warning("tools are lost: %s: %s", what, why)
    if world.lost is not None:
        world.lost.update(told)
    if only and only not in names and not told and listings:
        raise ToolNameError(f"{name!r}: no tool is called {only!r}; there are {', '.join(names)}")
    return [tool for tool in tools if only in ("", tool.remote_name)]


def told_apart(tools: Sequence[BaseTool], settings: Settings) -> list[BaseTool]:
    """The tools with their settings; a server's that is called as another has its prefix."""
    names = [tool.name for tool in tools]
    made: list[BaseTool] = []
    for tool in tools:
        if isinstance(tool, McpTool):
            prefix = f"{tool.server.prefix}_" if names.count(tool.name) > 1 else ""
            name = f"{prefix}{tool.name}"[:LONGEST_NAME]
            change = {"name": name, "timeout": settings.of(name).timeout}
            tool = tool.model_copy(update=change)
        made.append(tool)
    return made


def check_settings(tools: Iterable[BaseTool], ours: Sequence[str], settings: Settings) -> None:
    """Refuse settings that would change nothing: of a misspelt tool, or of one that takes none.

    Settings of tools that are not in use are left alone: one file serves many runs.

    Raises:
        SettingsError: naming the tool.
    """
    others = {tool.name: tool for tool in tools}
    for name in sorted(settings.tools - set(ours)):
        near = get_close_matches(name, ours, n=1)
        if name not in others and near:
            raise SettingsError(f"settings name a tool {name!r}; did you mean {near[0]!r}?")
        if name in others and not isinstance(others[name], McpTool):
            raise SettingsError(
                f"settings of {name!r} cannot be applied: it is not ours; set its own fields"
            )

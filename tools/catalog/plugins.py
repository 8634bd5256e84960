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

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from langchain_core.tools import BaseTool

from tools.base import run_blocking
from tools.catalog import mcp_servers
from tools.catalog.settings import Settings, SettingsError
from tools.outcomes.outside import ShownError

GROUP = "agentflow_graph.tools"
_MCP = "mcp:"


class ToolNameError(ShownError, ValueError):
    """A name stands for no tool; the message says which do."""


def find(name: str, ours: Iterable[str], settings: Settings) -> list[BaseTool]:
    """The tools that a name that is none of `ours` stands for; several only for `mcp:`.

    Raises:
        ToolNameError: it stands for none, or what it stands for cannot be loaded.
    """
    if name.startswith(_MCP):
        return _from_servers(name, settings)
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
        raise ToolNameError(
            f"cannot import tool {path!r} ({type(fault).__name__}: {fault}): "
            "write package.module:attribute of an installed package"
        ) from fault
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


def _from_servers(name: str, settings: Settings) -> list[BaseTool]:
    target, _, only = name.removeprefix(_MCP).partition("#")
    tools: list[BaseTool] = []
    try:
        for server in mcp_servers.servers(target):
            tools += run_blocking(mcp_servers.list_tools(server))
    except mcp_servers.ServerError as fault:
        raise ToolNameError(f"{name!r}: {fault}") from fault
    names = [tool.name for tool in tools]
    if only and only not in names:
        raise ToolNameError(f"{name!r}: no tool is called {only!r}; there are {', '.join(names)}")
    chosen = [tool for tool in tools if only in ("", tool.name)]
    for tool in chosen:
        if isinstance(tool, mcp_servers.McpTool):
            tool.timeout = settings.of(tool.name).timeout
    return chosen


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
        if name in others and not isinstance(others[name], mcp_servers.McpTool):
            raise SettingsError(
                f"settings of {name!r} cannot be applied: it is not ours; set its own fields"
            )

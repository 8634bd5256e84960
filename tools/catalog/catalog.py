"""Tools by name, and the card of a tool that the planner reads.

    tools = load(["python_coder", "my_package.tools:weather"])
    tools = load("all", settings={"wikipedia_search": {"backend": "kiwix", "url": "http://..."}})
    print(card(tools[0]))

A name is one of ours, a set (`default`, `all`), or one of the forms of `tools.catalog.plugins`: an
import path, an entry point, an MCP server. Sets work without keys and without the network: a tool
that is not ready answers `unavailable` and says why.

`default` are the three tools of the planner that ships; a planner knows the tools it was trained
with, so this set does not grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from tools.base import FlowTool
from tools.catalog import plugins
from tools.catalog.makers import Maker, Resolve, init_chat_model
from tools.catalog.plugins import ToolNameError, World
from tools.catalog.settings import Settings, Tables
from tools.outcomes.outside import shown
from tools.sandbox.protocol import Sandbox

__all__ = ["DEFAULT", "NAMES", "SETS", "ToolNameError", "card", "load"]

DEFAULT = ("base_generator", "python_coder", "wikipedia_search")
NAMES = (*DEFAULT, "web_search", "google_search")
SETS = {"default": DEFAULT, "all": NAMES}

LONGEST_ARGUMENT = 300  # characters of what a card says of an argument


def load(
    names: Sequence[str] | str,
    *,
    model: BaseChatModel | None = None,
    top_k: int = 3,
    corpus: str | Path | None = None,
    sandbox: Sandbox | None = None,
    settings: Tables | None = None,
    file: str | Path = "",
    resolve: Resolve | None = None,
    world: World | None = None,
) -> list[BaseTool]:
    """The tools that `names` stand for, in that order.

    Args:
        names: a list of names, or "default" or "all".
        model: what base_generator asks; without one, and without a setting, it is `unavailable`.
        top_k: passages wikipedia_search gives at most.
        corpus: the file wikipedia_search reads; None for the settings, then the shipped one.
        sandbox: where python_coder runs code; None for the settings.
        settings: by tool, then by setting (`tools.catalog.settings`); `model`, `corpus` and
            `sandbox` win.
        file: a TOML file of settings; empty for the one that AGENTFLOW_TOOLS names.
        resolve: makes the models that settings name; None for langchain's init_chat_model.
        world: what of the MCP servers may be lost; None: no whole server.

    Raises:
        ToolNameError: a name is unknown, given twice, or its import fails.
        SettingsError: a setting cannot be used. Both are a ValueError.
    """
    if isinstance(names, str) and names not in SETS:
        known = " or ".join(map(repr, SETS))
        raise ToolNameError(f"names={names!r} is one string: give a list, [{names!r}], or {known}")
    wanted = [names] if isinstance(names, str) else names
    given = Settings(settings, file)
    maker = Maker(given, resolve or init_chat_model, model, top_k, corpus, sandbox)
    entries = [one for entry in wanted for one in SETS.get(entry, (entry,))]
    offered = plugins.offered(entries, world or World(), given)
    found: list[BaseTool] = []
    for name in entries:
        if name in offered:
            found += offered[name]
        else:
            found += [maker.make(name)] if name in NAMES else plugins.find(name, NAMES, given)
    tools = plugins.told_apart(found, given)
    plugins.check_settings(tools, NAMES, given)
    _check_distinct(tools)
    return tools


def card(tool: BaseTool) -> str:
    """What the planner sees of a tool: name, purpose and arguments.

    For ours also when to use it, its limits and two examples.
    """
    lines = [f"{tool.name}: {' '.join(tool.description.split())}", "  arguments:"]
    lines += _arguments(tool)
    if isinstance(tool, FlowTool):
        lines += [f"  use for: {tool.when_to_use}", f"  limits: {tool.bounds}", "  examples:"]
        lines += [f"    {given} -> {back}" for given, back in tool.examples]
    return "\n".join(lines)


def _arguments(tool: BaseTool) -> list[str]:
    schema = tool.tool_call_schema
    described: dict[str, Any]
    # Tools from MCP servers bring a JSON schema, older ones a model of pydantic 1.
    if isinstance(schema, dict):
        described = schema
    elif issubclass(schema, BaseModel):
        described = schema.model_json_schema()
    else:
        described = schema.schema()
    required = described.get("required", [])
    lines = []
    for name, field in described.get("properties", {}).items():
        optional = "" if name in required else ", optional"
        field = field if isinstance(field, dict) else {}  # a schema may be true, for anything
        text = f": {_one_line(field['description'])}" if "description" in field else ""
        lines.append(f"    {name} ({_type(field)}{optional}){text}")
    return lines or ["    none"]


def _one_line(text: object) -> str:
    """A server or a stranger may have written it, and the planner reads it every turn."""
    return " ".join(shown(str(text)).split())[:LONGEST_ARGUMENT]


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"] if isinstance(one, dict))
    if "enum" in field:
        return " | ".join(repr(value) for value in field["enum"])
    if isinstance(field.get("items"), dict):
        return f"list of {_type(field['items'])}"
    kind = field.get("type", "any")
    return str(kind)


def _check_distinct(tools: Sequence[BaseTool]) -> None:
    names = [tool.name for tool in tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ToolNameError(f"tools named twice: {', '.join(twice)}; the planner needs one each")

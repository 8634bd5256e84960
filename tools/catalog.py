"""Tools by name, and the card of a tool that the planner reads.

    tools = load(["python_coder", "my_package.tools:weather"])
    print(card(tools[0]))

A name is one of ours or `package.module:attribute`, an import path of anybody's `BaseTool` (an
object, or a class that needs no arguments).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from tools.base import FlowTool
from tools.base_generator import BaseGenerator
from tools.python_coder import PythonCoder
from tools.sandbox.protocol import Sandbox
from tools.wiki.corpus import Corpus
from tools.wikipedia_search import WikipediaSearch

NAMES = ("base_generator", "python_coder", "wikipedia_search")
PLANNED = ("google_search", "web_search")


class ToolNameError(ValueError):
    """A name stands for no tool; the message says which do."""


def load(
    names: Sequence[str] | Literal["all"],
    *,
    model: BaseChatModel | None = None,
    top_k: int = 3,
    corpus: str | Path | None = None,
    sandbox: Sandbox | None = None,
) -> list[BaseTool]:
    """The tools that `names` stand for, in that order.

    Args:
        names: names, import paths, or "all" for every tool of ours.
        model: what base_generator asks; without one it answers `unavailable`.
        top_k: passages wikipedia_search gives at most.
        corpus: the file wikipedia_search reads; None for AGENTFLOW_CORPUS or the shipped one.
        sandbox: where python_coder runs code; None for `tools.sandbox.choose.auto()`.

    Raises:
        ToolNameError: a name is unknown, planned only, given twice, or its import fails.
    """
    if isinstance(names, str) and names != "all":
        raise ToolNameError(f"names={names!r} is one string: give a list, [{names!r}], or 'all'")
    search: dict[str, Any] = {} if corpus is None else {"backend": Corpus(corpus)}
    coder: dict[str, Any] = {} if sandbox is None else {"sandbox": sandbox}
    makers: dict[str, Callable[[], BaseTool]] = {
        "base_generator": lambda: BaseGenerator(model=model),
        "python_coder": lambda: PythonCoder(**coder),
        "wikipedia_search": lambda: WikipediaSearch(top_k=top_k, **search),
    }
    wanted = NAMES if names == "all" else names
    tools = [makers[name]() if name in makers else _other(name) for name in wanted]
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
        text = f": {field['description']}" if "description" in field else ""
        lines.append(f"    {name} ({_type(field)}{optional}){text}")
    return lines or ["    none"]


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "enum" in field:
        return " | ".join(repr(value) for value in field["enum"])
    if "items" in field:
        return f"list of {_type(field['items'])}"
    kind = field.get("type", "any")
    return str(kind)


def _other(name: str) -> BaseTool:
    if name in PLANNED:
        raise ToolNameError(f"{name!r} comes with a later version: use one of {', '.join(NAMES)}")
    if ":" in name:
        return _imported(name)
    close = get_close_matches(name, NAMES, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    raise ToolNameError(
        f"no tool is called {name!r}{guess} Known: {', '.join(NAMES)}, or package.module:attribute"
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
    tool = found() if isinstance(found, type) and issubclass(found, BaseTool) else found
    if not isinstance(tool, BaseTool):
        raise ToolNameError(
            f"{path!r} is a {type(tool).__name__}: it must be a langchain_core BaseTool; "
            "wrap a function with @tool"
        )
    return tool


def _check_distinct(tools: Sequence[BaseTool]) -> None:
    names = [tool.name for tool in tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ToolNameError(f"tools named twice: {', '.join(twice)}; the planner needs one each")

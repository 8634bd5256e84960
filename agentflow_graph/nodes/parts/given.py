"""Models and tools that a program gives as objects: what is none is refused before a question."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from agentflow_graph.errors import SettingError, closest

MODULES = ("planner", "executor", "verifier", "generator", "analysis")


def check_models(models: Mapping[str, Any]) -> None:
    """Raises SettingError for an unknown module, or for what is no chat model."""
    for name, model in models.items():
        if name not in MODULES:
            near = closest(name, MODULES)
            raise SettingError(f"models has {name!r}{near}; known: {', '.join(MODULES)}")
        if not isinstance(model, Runnable):
            remedy = f"a model string goes into Context({name}={model!r})"
            raise SettingError(
                f"models has {_told(model)} for {name}: give a chat model of LangChain"
                + (f"; {remedy}" if isinstance(model, str) else "")
            )


def check_tools(tools: Any) -> None:
    """Raises SettingError for what is no tool, with what makes one of it."""
    if isinstance(tools, str | BaseTool) or not isinstance(tools, Iterable):
        raise SettingError(f"tools is {_told(tools)}: give a list of tools; {_names()}")
    for tool in tools:
        if not isinstance(tool, BaseTool):
            raise SettingError(f"tools has {_told(tool)}: {_remedy(tool)}")


def _remedy(tool: object) -> str:
    if isinstance(tool, str):
        return f"give objects; {_names()}"
    if isinstance(tool, type) and issubclass(tool, BaseTool):
        return f"give an object of it, {tool.__name__}()"
    if callable(tool):
        return "decorate it with @tool of langchain_core.tools"
    return "give a tool of LangChain (langchain_core.tools.BaseTool)"


def _names() -> str:
    return "names go into Context(tools='default,package.module:attribute')"


def _told(part: object) -> str:
    return f"{part!r}"[:100] + f", a {type(part).__name__}"

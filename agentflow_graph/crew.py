"""The objects behind the settings: the models and tools that one run works with.

Objects given to `build_graph` win over the names in the Context; everything else is built from its
name, once per setting, off the event loop, and kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from types import ModuleType
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agentflow_graph.context import RULES, Context
from agentflow_graph.errors import SettingError, closest
from agentflow_graph.memory import Count, approximate_tokens
from agentflow_graph.models import chat_model
from agentflow_graph.policy import PolicyModel

Chat = Runnable[list[BaseMessage], AIMessage]
MODULES = ("planner", "executor", "verifier", "generator", "analysis")
KEPT = 64
"""Crews kept at most; a service with more settings than this in use rebuilds some."""


@dataclass(frozen=True)
class Crew:
    """What one Context resolves to; a module without a model follows its rule."""

    models: Mapping[str, Chat]
    tools: Mapping[str, BaseTool]
    schemas: Mapping[str, dict[str, Any]]
    """JSON schema of each tool's arguments."""
    cards: Mapping[str, str]
    """What the planner may know of each tool."""
    layout: str
    count: Count


class Crews:
    """Builds and keeps crews; one per compiled graph."""

    def __init__(self, models: Mapping[str, Chat], tools: Sequence[BaseTool] | None) -> None:
        for name in models:
            if name not in MODULES:
                near = closest(name, MODULES)
                raise SettingError(f"models has {name!r}{near}; known: {', '.join(MODULES)}")
        self._models = dict(models)
        self._tools = tools
        self._kept: dict[Context, Crew] = {}
        self._lock = Lock()

    async def of(self, context: Context) -> Crew:
        """The crew for `context`; raises SettingError if a name in it cannot be resolved."""
        if context not in self._kept:
            # Loading weights and reading corpora take seconds: not on the event loop.
            return await asyncio.to_thread(self._keep, context)
        return self._kept[context]

    def _keep(self, context: Context) -> Crew:
        with self._lock:  # of many runs that start together, the first one builds
            if context not in self._kept:
                if len(self._kept) == KEPT:
                    self._kept.clear()
                self._kept[context] = self._built(context)
            return self._kept[context]

    def _built(self, context: Context) -> Crew:
        models = {name: model for name in MODULES if (model := self._model(name, context))}
        planner = models.get("planner")
        if planner is None:
            raise SettingError(f"planner={context.planner!r} is not possible; name a model")
        policy = planner if isinstance(planner, PolicyModel) else None
        trained = policy.trained if policy else {}
        layout = context.layout
        if layout == "auto":
            layout = trained.get("layout", "static_first")
        tools = self._tools
        if tools is None:
            tools = _tools(context, context.passages or trained.get("passages", 3))
        return Crew(
            models=models,
            tools={tool.name: tool for tool in tools},
            schemas={tool.name: _schema(tool) for tool in tools},
            cards={t.name: "" if layout == "terse" else _catalog().card(t) for t in tools},
            layout=layout,
            count=policy.get_num_tokens if policy else approximate_tokens,
        )

    def _model(self, module: str, context: Context) -> Chat | None:
        spec: str = getattr(context, module)
        if module in self._models or spec in (RULES.get(module), "off"):
            return self._models.get(module)
        temperature = context.temperature if module == "planner" else 0.0
        return chat_model(spec, temperature, context.reply_tokens, context.seed)


def _schema(tool: BaseTool) -> dict[str, Any]:
    schema = tool.tool_call_schema  # without what LangChain itself injects
    if isinstance(schema, dict):
        return schema
    return schema.model_json_schema() if issubclass(schema, BaseModel) else schema.schema()


def _tools(context: Context, passages: int) -> list[BaseTool]:
    model = None
    if context.tool_model:
        model = chat_model(context.tool_model, 0.0, context.reply_tokens, context.seed)
    names = [name.strip() for name in context.tools.split(",") if name.strip()]
    if not names:
        raise SettingError(f"tools={context.tools!r} names no tool; name at least one, or all")
    wanted = "all" if names == ["all"] else names
    try:
        found: list[BaseTool] = _catalog().load(wanted, model=model, top_k=passages)
    except ValueError as error:
        raise SettingError(f"tools={context.tools!r}: {error}") from error
    return found


def _catalog() -> ModuleType:
    """Our `tools.catalog`, unless another package called `tools` stands before ours."""
    import tools

    if "AGENTFLOW" not in vars(tools):
        raise SettingError(
            f"another package called `tools` ({tools.__file__}) shadows agentflow-graph's; "
            "remove it, or put agentflow-graph's folder before it on sys.path"
        )
    import tools.catalog

    return tools.catalog

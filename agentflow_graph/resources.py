"""The objects behind the settings: the models and tools that one run works with.

Objects given to `build_graph` win; everything else is built from its name in the Context and kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from threading import Lock
from types import ModuleType
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agentflow_graph.context import RULES, Context
from agentflow_graph.errors import SettingError, closest
from agentflow_graph.memory import Count, approximate_tokens
from agentflow_graph.models.policy import PolicyModel
from agentflow_graph.models.strings import chat_model

Chat = Runnable[list[BaseMessage], AIMessage]
MODULES = ("planner", "executor", "verifier", "generator", "analysis")
KEPT = 64
"""Crews kept at most; a service with more settings than this in use rebuilds some."""


class Crew:
    """What one Context resolves to.

    `models` go by module, and one without a model follows its rule; by tool go `tools`, `schemas`
    (JSON, of the arguments) and `cards` (what the planner may know); `count` counts tokens. The
    memory shrinks to what the planner's model was trained under.
    """

    def __init__(
        self, context: Context, models: Mapping[str, Chat], tools: Sequence[BaseTool] | None
    ) -> None:
        named = {name: models.get(name) or _model(name, context) for name in MODULES}
        self.models = {name: model for name, model in named.items() if model is not None}
        if "planner" not in self.models:
            raise SettingError(f"planner={context.planner!r} is not possible; name a model")
        planner = self.models["planner"]
        trained: dict[str, Any] = {}
        self.count: Count = approximate_tokens
        if isinstance(planner, PolicyModel):
            trained, self.count = planner.trained, planner.get_num_tokens
        self.memory_tokens: int = min(
            context.memory_tokens, trained.get("memory_tokens", context.memory_tokens)
        )
        auto = trained.get("layout", "static_first")
        self.layout: str = auto if context.layout == "auto" else context.layout
        if tools is None:
            tools = load_tools(context, context.passages or trained.get("passages", 3))
        self.tools = {tool.name: tool for tool in tools}
        self.schemas = {tool.name: _schema(tool) for tool in tools}
        terse = self.layout == "terse"
        self.cards = {tool.name: "" if terse else _catalog().card(tool) for tool in tools}


class Crews:
    """Builds and keeps crews; one per compiled graph."""

    def __init__(self, models: Mapping[str, Chat], tools: Sequence[BaseTool] | None) -> None:
        for name in models:
            if name not in MODULES:
                near = closest(name, MODULES)
                raise SettingError(f"models has {name!r}{near}; known: {', '.join(MODULES)}")
        self._given = dict(models), tools
        self._kept: dict[Context, Crew] = {}
        self._lock = Lock()

    async def of(self, context: Context) -> Crew:
        """The crew for `context`; raises SettingError if a name in it cannot be resolved."""
        if context in self._kept:
            return self._kept[context]
        # Loading weights and reading corpora take seconds: not on the event loop.
        return await asyncio.to_thread(self._build, context)

    def _build(self, context: Context) -> Crew:
        with self._lock:  # of many runs that start together, the first one builds
            if context not in self._kept:
                if len(self._kept) == KEPT:
                    self._kept.clear()
                self._kept[context] = Crew(context, *self._given)
            return self._kept[context]


def _model(module: str, context: Context) -> Chat | None:
    spec: str = getattr(context, module)
    if spec in (RULES.get(module), "off"):
        return None
    temperature = context.temperature if module == "planner" else 0.0
    return chat_model(spec, temperature, context.reply_tokens, context.seed)


def _schema(tool: BaseTool) -> dict[str, Any]:
    schema = tool.tool_call_schema  # without what LangChain itself injects
    if isinstance(schema, dict):
        return schema
    return schema.model_json_schema() if issubclass(schema, BaseModel) else schema.schema()


def load_tools(context: Context, passages: int) -> list[BaseTool]:
    """The tools that the settings name; raises SettingError if one cannot be."""

    def resolve(spec: str) -> BaseChatModel:
        return chat_model(spec, 0.0, context.reply_tokens, context.seed)

    model = resolve(context.tool_model) if context.tool_model else None
    names = [name.strip() for name in context.tools.split(",") if name.strip()]
    if not names:
        raise SettingError(
            f"tools={context.tools!r} names no tool; name at least one, default or all"
        )
    try:
        found: list[BaseTool] = _catalog().load(
            names, model=model, top_k=passages, file=context.tools_file, resolve=resolve
        )
    except ValueError as error:
        raise SettingError(f"tools={context.tools!r}: {error}") from error
    return found


def _catalog() -> ModuleType:
    """Our `tools.catalog.catalog`, unless another package called `tools` stands before ours."""
    import tools

    if "AGENTFLOW" not in vars(tools):
        raise SettingError(
            f"another package called `tools` ({tools.__file__}) shadows agentflow-graph's; "
            "remove it, or put agentflow-graph's folder before it on sys.path"
        )
    import tools.catalog.catalog

    return tools.catalog.catalog

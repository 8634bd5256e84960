"""The objects behind the settings: the models and tools that a run works with.

Objects given to `build_graph` win; everything else is built from its name in the Context and kept.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agentflow_graph.context import Context, is_rule
from agentflow_graph.errors import SettingError, closest
from agentflow_graph.errors.outside import keep_keys
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.models.recorded import RecordedModel
from agentflow_graph.models.strings import chat_model
from agentflow_graph.prompts.memory import Count, approximate_tokens
from agentflow_graph.record.events import as_json, digest_of

Chat = Runnable[list[BaseMessage], AIMessage]
MODULES = ("planner", "executor", "verifier", "generator", "analysis")
MAX_CACHED = 64
"""Resources kept at most; a service with more settings than this in use rebuilds some."""


@dataclass
class Resources:
    """What one Context resolves to. A module without a model follows its rule."""

    models: dict[str, Chat]
    """By module."""
    requests: dict[str, dict[str, Any]]
    """By module: the model's name and its sampling, as the record tells them."""
    tools: dict[str, BaseTool]
    schemas: dict[str, dict[str, Any]]
    """By tool: JSON schema of the arguments."""
    cards: dict[str, str]
    """By tool: what the planner may know of it."""
    layout: str
    """Of the planner's prompt."""
    memory_tokens: int
    """Budget of the rendered memory; never more than the planner was trained under."""
    to_approve: frozenset[str] = frozenset()
    """Tools whose calls a person approves."""
    count: Count = approximate_tokens
    """Counts tokens."""
    tokenizer: PolicyTokenizer | None = field(default=None, repr=False)
    """What `count` counts with, if not approximately."""

    @classmethod
    def of(
        cls, context: Context, models: Mapping[str, Chat], tools: Sequence[BaseTool] | None
    ) -> "Resources":
        """Build what `context` names, but for the models and tools that are given.

        Raises:
            SettingError: a name cannot be resolved.
        """
        named = {name: models.get(name) or _model(name, context) for name in MODULES}
        found = {name: model for name, model in named.items() if model is not None}
        if "planner" not in found:
            raise SettingError(
                f"planner={context.planner!r}: the planner always needs a model, such as nano or "
                "openai:NAME"
            )
        planner, trained, tokenizer = found["planner"], {}, None
        if isinstance(planner, PolicyModel):
            trained, tokenizer = planner.trained, planner.tokenizer
        if tools is None:
            tools = load_tools(context, context.passages or trained.get("passages", 3))
        auto = trained.get("layout", "static_first")
        layout = auto if context.layout == "auto" else context.layout
        card = _catalog().card
        for part in (*found.values(), *tools):
            if isinstance(part, BaseModel):
                keep_keys(part)
        return cls(
            models=found,
            requests={
                name: _request(name, model, context, name in models)
                for name, model in found.items()
            },
            tools={tool.name: tool for tool in tools},
            schemas={tool.name: _schema(tool) for tool in tools},
            cards={tool.name: "" if layout == "terse" else card(tool) for tool in tools},
            layout=layout,
            memory_tokens=min(
                context.memory_tokens, trained.get("memory_tokens", context.memory_tokens)
            ),
            to_approve=context.approved({t.name: _source(t) + t.name for t in tools}),
            count=approximate_tokens if tokenizer is None else planner.get_num_tokens,  # type: ignore[attr-defined]
            tokenizer=tokenizer,
        )

    @cached_property
    def counter(self) -> str:
        """The tokenizer as JSON; empty where tokens are counted approximately."""
        return self.tokenizer.to_json() if self.tokenizer else ""

    @cached_property
    def description(self) -> dict[str, Any]:
        """All that a replay must know of them; `digest` names it."""
        told = {
            "models": self.requests,
            "tools": {
                name: {
                    "description": tool.description,
                    "schema": self.schemas[name],
                    "card": self.cards[name],
                }
                for name, tool in self.tools.items()
            },
            "to_approve": sorted(self.to_approve),
            "layout": self.layout,
            "memory_tokens": self.memory_tokens,
            "tokenizer": hashlib.sha256(self.counter.encode()).hexdigest() if self.counter else "",
        }
        return {"digest": digest_of(as_json(told)), **told}


class ResourceCache:
    """Builds and keeps resources; one per compiled graph."""

    def __init__(self, models: Mapping[str, Chat], tools: Sequence[BaseTool] | None) -> None:
        for name in models:
            if name not in MODULES:
                near = closest(name, MODULES)
                raise SettingError(f"models has {name!r}{near}; known: {', '.join(MODULES)}")
        self._given = dict(models), tools
        self._cached: dict[Context, Resources] = {}
        self._lock = Lock()

    async def of(self, context: Context) -> Resources:
        """The resources for `context`; raises SettingError if a name in it cannot be resolved."""
        if context in self._cached:
            return self._cached[context]
        # Loading weights and reading corpora take seconds: not on the event loop.
        return await asyncio.to_thread(self._build, context)

    def _build(self, context: Context) -> Resources:
        with self._lock:  # of many runs that start together, the first one builds
            if context not in self._cached:
                if len(self._cached) == MAX_CACHED:
                    self._cached.clear()
                self._cached[context] = Resources.of(context, *self._given)
            return self._cached[context]


def _model(module: str, context: Context) -> Chat | None:
    spec: str = getattr(context, module)
    if spec == "off" or is_rule(module, spec):
        return None
    temperature = context.temperature if module == "planner" else 0.0
    return chat_model(spec, temperature, context.reply_tokens, context.seed)


def _source(tool: BaseTool) -> str:
    source = (tool.metadata or {}).get("source", "")
    return f"{source}:" if source else ""


def _request(module: str, model: Chat, context: Context, given: bool) -> dict[str, Any]:
    if isinstance(model, PolicyModel):
        sampling = vars(model.sampling)
    elif isinstance(model, ProviderModel):
        sampling = model.sampling
    else:
        temperature = context.temperature if module == "planner" else 0.0
        sampling = {"temperature": temperature, "max_tokens": context.reply_tokens}
    name: str = type(model).__name__ if given else getattr(context, module)
    return {"model": name, "sampling": sampling}


def _schema(tool: BaseTool) -> dict[str, Any]:
    schema = tool.tool_call_schema  # without what LangChain itself injects
    if isinstance(schema, dict):
        return schema
    return schema.model_json_schema() if issubclass(schema, BaseModel) else schema.schema()


def load_tools(context: Context, passages: int) -> list[BaseTool]:
    """The tools that the settings name; raises SettingError if one cannot be."""

    def resolve(spec: str) -> BaseChatModel:
        model = chat_model(spec, 0.0, context.reply_tokens, context.seed)
        sampling = {"temperature": 0.0, "max_tokens": context.reply_tokens}
        if isinstance(model, ProviderModel):
            sampling = model.sampling
        return RecordedModel(inner=model, name=spec, sampling=sampling)

    model = resolve(context.tool_model) if context.tool_model else None
    names = [name.strip() for name in context.tools.split(",") if name.strip()]
    if not names:
        raise SettingError(
            f"tools={context.tools!r} names no tool; name at least one, default or all"
        )
    try:
        found: list[BaseTool] = _catalog().load(
            names,
            model=model,
            top_k=passages,
            corpus=context.corpus or None,
            file=context.tools_file,
            resolve=resolve,
        )
    except ValueError as error:
        raise SettingError(f"tools={context.tools!r}: {error}") from error
    return found


def _catalog() -> ModuleType:
    return ours("tools.catalog.catalog")


def ours(module: str) -> ModuleType:
    """A module of our `tools`.

    Raises:
        SettingError: another package called `tools` stands before ours.
    """
    import tools

    if "AGENTFLOW" not in vars(tools):
        raise SettingError(
            f"another package called `tools` ({tools.__file__}) shadows agentflow-graph's; "
            "remove it, or put agentflow-graph's folder before it on sys.path"
        )
    return import_module(module)

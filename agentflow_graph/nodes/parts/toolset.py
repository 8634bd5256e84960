"""The tools of a run, and what of them a planner and an executor read; made once for many runs."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agentflow_graph.context import Context, listed
from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import keep_keys
from agentflow_graph.errors.threads import kept
from agentflow_graph.models.provider import ProviderModel
from agentflow_graph.models.recorded import RecordedModel
from agentflow_graph.models.strings import chat_model

_log = logging.getLogger(__name__)
AGAIN = 30.0
"""Seconds after which a new run looks again for what was lost."""


@dataclass
class ToolSet:
    """Tools by name."""

    tools: dict[str, BaseTool]
    schemas: dict[str, dict[str, Any]]
    """By tool: JSON schema of the arguments."""
    lost: dict[str, str] = field(default_factory=dict)
    """MCP servers, and single tools as `SERVER#TOOL`, that cannot be had, with the reason."""
    made: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, tools: Sequence[BaseTool], lost: Mapping[str, str] | None = None) -> "ToolSet":
        """From the tools, in their order."""
        for tool in tools:
            keep_keys(tool)
        schemas = {tool.name: _schema(tool) for tool in tools}
        return cls({tool.name: tool for tool in tools}, schemas, dict(lost or {}))

    @cached_property
    def cards(self) -> dict[str, str]:
        """By tool: what the planner may know of it."""
        return {name: catalog().card(tool) for name, tool in self.tools.items()}

    @property
    def origins(self) -> dict[str, frozenset[str]]:
        """By tool: what else it is called in a setting, such as `mcp:NAME`."""
        return {name: frozenset(_names(tool)) for name, tool in self.tools.items()}

    def warn_of_strangers(self, trained: Mapping[str, Any]) -> None:
        """Log a warning where a small planner meets tools that it was not trained with.

        `trained` is what the planner's folder says of its training. Without `tools` there nothing
        is known, as of a language model, which reads the tools' cards.
        """
        known = trained.get("tools", self.tools)
        if strangers := [name for name in self.tools if name not in known]:
            _log.warning(
                "this planner was trained with %s alone and will hardly choose %s; set planner to "
                "a language model, train one with these tools, or try them with "
                "agentflow_graph.Scripted",
                ", ".join(known),
                ", ".join(strangers),
            )

    @property
    def stale(self) -> bool:
        """Whether something was lost so long ago that it may be back."""
        return bool(self.lost) and time.monotonic() - self.made > AGAIN


MakeTools = Callable[[Context, int], ToolSet]
"""Makes the tools of the settings, with that many passages of a search."""


class ToolSets:
    """Tool sets, each made once for all settings that it is made of.

    Args:
        tools: of a program, in place of those of the settings.
        most: sets that are kept.
    """

    def __init__(self, tools: Sequence[BaseTool] | None, most: int) -> None:
        self._given, self._made = tools, kept(most)
        self._listings: Any = None  # of MCP servers

    def of(self, without: frozenset[str], context: Context, passages: int) -> ToolSet:
        """The tools of `context`; the MCP servers `without` are not asked.

        Raises:
            SettingError: a name cannot be resolved.
        """
        if self._given is not None:
            return cast(ToolSet, self._made().get((), partial(ToolSet.of, self._given)))
        named = (context.tools, context.tools_file, context.tool_model, context.corpus)
        key = (*named, passages, context.reply_tokens, without)
        known = self._made().known(key)
        if known and known.stale and not without:
            self._made().forget(key)
        make = partial(self._loaded, context, passages, without)
        return cast(ToolSet, self._made().get(key, make))

    def _loaded(self, context: Context, passages: int, without: frozenset[str]) -> ToolSet:
        if self._listings is None:
            self._listings = catalog().World().listings
        world = catalog().World({}, without, self._listings)
        return ToolSet.of(load_tools(context, passages, world), world.lost)


def toolset_of(
    context: Context, tools: Sequence[BaseTool] | MakeTools | None, passages: int
) -> ToolSet:
    """Tools that are given, or made by somebody, or else those of the settings."""
    if callable(tools):
        return tools(context, passages)
    return ToolSet.of(load_tools(context, passages) if tools is None else tools)


def _names(tool: BaseTool) -> set[str]:
    source = (tool.metadata or {}).get("source", "")
    if not source:
        return {tool.name}
    # A server's tool keeps the name that the server gave it, whatever prefix it has here.
    return {
        one for name in (tool.name, vars(tool)["remote_name"]) for one in (name, f"{source}:{name}")
    }


def _schema(tool: BaseTool) -> dict[str, Any]:
    schema = tool.tool_call_schema  # without what LangChain itself injects
    if isinstance(schema, dict):
        return schema
    return schema.model_json_schema() if issubclass(schema, BaseModel) else schema.schema()


def load_tools(context: Context, passages: int, world: Any = None) -> list[BaseTool]:
    """The tools that the settings name; raises SettingError if one cannot be.

    `world` is a `tools.catalog.plugins.World`: what of the MCP servers may be lost.
    """

    def resolve(spec: str, shows_images: bool = False) -> BaseChatModel:
        # Without the seed, which is for the planner: another one must build no tools anew.
        model = chat_model(spec, 0.0, context.reply_tokens)
        sampling = {"temperature": 0.0, "max_tokens": context.reply_tokens}
        if isinstance(model, ProviderModel):
            sampling = model.sampling
        return RecordedModel(inner=model, name=spec, sampling=sampling, shows_images=shows_images)

    model = resolve(context.tool_model, shows_images=True) if context.tool_model else None
    names = list(listed(context.tools))
    if not names:
        raise SettingError(
            f"tools={context.tools!r} names no tool; name at least one, default or all"
        )
    try:
        found: list[BaseTool] = catalog().load(
            names,
            model=model,
            top_k=passages,
            corpus=context.corpus or None,
            file=context.tools_file,
            resolve=resolve,
            world=world,
        )
    except ValueError as error:
        raise SettingError(f"tools={context.tools!r}: {error}") from error
    return found


def catalog() -> ModuleType:
    """Our tools by name."""
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
            "install agentflow-graph as a wheel, not editable: that keeps the two apart"
        )
    return import_module(module)

"""The objects behind the settings: the models and tools that a run works with.

Objects given to `build_graph` win; everything else is built from its name in the Context and kept.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol, cast

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agentflow_graph.context import Context
from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import keep_keys
from agentflow_graph.errors.threads import kept
from agentflow_graph.models.policy import PolicyModel, PolicyTokenizer
from agentflow_graph.models.providers.money import Rate
from agentflow_graph.models.providers.prices import PriceList, known_prices
from agentflow_graph.nodes.parts.given import MODULES, check_models, check_tools
from agentflow_graph.nodes.parts.modules import model_of, request_of
from agentflow_graph.nodes.parts.rates import rates_of
from agentflow_graph.nodes.parts.toolset import AGAIN, MakeTools, ToolSets, toolset_of
from agentflow_graph.prompts.memory import Count, approximate_tokens
from agentflow_graph.record.events import as_json, digest_of

Chat = Runnable[list[BaseMessage], AIMessage]
MAX_CACHED = 64
"""Resources kept at most; a service with more settings than this in use rebuilds some."""


@dataclass
class Resources:
    """What a Context resolves to. A module without a model follows its rule."""

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
    lost: dict[str, str] = field(default_factory=dict)
    """What of the tools cannot be had: see `ToolSet`."""
    late: str = ""
    """Why there is nothing yet: it was not made in the time of the run."""
    made: float = field(default_factory=time.monotonic)
    to_approve: frozenset[str] = frozenset()
    """Tools whose calls a person approves."""
    count: Count = approximate_tokens
    """Counts tokens."""
    rates: dict[str, Rate] = field(default_factory=dict)
    """By entry of a run's usage: who is asked, and for how much."""
    tokenizer: PolicyTokenizer | None = field(default=None, repr=False)
    """What `count` counts with, if not approximately."""

    @classmethod
    def of(
        cls,
        context: Context,
        models: Mapping[str, Chat],
        tools: Sequence[BaseTool] | MakeTools | None,
        prices: PriceList | None = None,
    ) -> "Resources":
        """Build what `context` names, but for the models and tools that are given.

        `prices`: None for the operator's and those that ship.

        Raises:
            SettingError: a name cannot be resolved.
        """
        named = {name: models.get(name) or model_of(name, context) for name in MODULES}
        found = {name: model for name, model in named.items() if model is not None}
        if "planner" not in found:
            raise SettingError(
                f"planner={context.planner!r}: the planner always needs a model, such as nano or "
                "openai:NAME"
            )
        planner, trained, tokenizer = found["planner"], {}, None
        if isinstance(planner, PolicyModel):
            trained, tokenizer = planner.trained, planner.tokenizer
        for model in found.values():
            if isinstance(model, BaseModel):
                keep_keys(model)
        own = toolset_of(context, tools, context.passages or trained.get("passages", 3))
        own.warn_of_strangers(trained)
        trained = {"layout": "static_first", "memory_tokens": context.memory_tokens, **trained}
        layout = trained["layout"] if context.layout == "auto" else context.layout
        return cls(
            models=found,
            requests={n: request_of(n, m, context, n in models) for n, m in found.items()},
            tools=own.tools,
            schemas=own.schemas,
            cards=dict.fromkeys(own.tools, "") if layout == "terse" else own.cards,
            layout=layout,
            memory_tokens=min(context.memory_tokens, trained["memory_tokens"]),
            lost=own.lost,
            to_approve=context.approved(own.origins, whole=not own.lost),
            count=approximate_tokens if tokenizer is None else planner.get_num_tokens,  # type: ignore[attr-defined]
            rates=rates_of(context, found, models, own.tools, prices or known_prices()),
            tokenizer=tokenizer,
        )

    @property
    def stop(self) -> dict[str, str]:
        """The update that ends a run at its beginning; empty if it can go on."""
        if self.late:
            return {"stopped_by": "seconds", "error": self.late, "fault": "world"}
        if self.tools or not self.lost:
            return {}
        why = "; ".join(f"{what}: {reason}" for what, reason in self.lost.items())
        return {"stopped_by": "error", "error": f"no tool can be had: {why}", "fault": "world"}

    @classmethod
    def none(cls, context: Context, late: str) -> "Resources":
        """Enough to end a run with: no models, so that rules answer, and no tools."""
        layout = "static_first" if context.layout == "auto" else context.layout
        return cls({}, {}, {}, {}, {}, layout, context.memory_tokens, late=late)

    @property
    def stale(self) -> bool:
        """Whether tools were lost so long ago that they may be back."""
        return bool(self.lost) and time.monotonic() - self.made > AGAIN

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
            **({"lost": self.lost} if self.lost else {}),
            **({"late": self.late} if self.late else {}),
            "rates": {who: rate.record() for who, rate in self.rates.items()},
            "to_approve": sorted(self.to_approve),
            "layout": self.layout,
            "memory_tokens": self.memory_tokens,
            "tokenizer": hashlib.sha256(self.counter.encode()).hexdigest() if self.counter else "",
        }
        return {"digest": digest_of(as_json(told)), **told}


class Source(Protocol):
    """What a Context resolves to: see `ResourceCache.of`."""

    def __call__(
        self, context: Context, missing: Iterable[str] | None = None, /
    ) -> Awaitable[Resources]:
        """The resources; raises SettingError."""
        ...


async def in_time(
    source: Source, context: Context, seconds: float, missing: Iterable[str] | None = None
) -> Resources:
    """The resources, or none, with the reason, if they are not there within `seconds`."""
    try:
        async with asyncio.timeout(seconds) as clock:
            return await source(context, missing)
    except TimeoutError:
        if not clock.expired():
            raise
    return Resources.none(
        context,
        f"models and tools were not ready within {seconds:.3g} s; they are still being made: ask "
        "again, or raise max_seconds",
    )


class ResourceCache:
    """Builds and keeps resources; one per compiled graph.

    Each part is built once for all settings that it is made of, in a thread of its own. Who asks
    for others waits for nobody, and who stops waiting finds it ready the next time.
    """

    def __init__(
        self,
        models: Mapping[str, Chat],
        tools: Sequence[BaseTool] | None,
        prices: PriceList | None = None,
    ) -> None:
        check_models(models)
        if tools is not None:
            check_tools(tools)
        self._models, self._built = dict(models), kept(MAX_CACHED)
        self._tools, self._prices = ToolSets(tools, MAX_CACHED), prices

    async def of(self, context: Context, missing: Iterable[str] | None = None) -> Resources:
        """The resources for `context`.

        Args:
            context: the settings.
            missing: the MCP servers that the run does without, as its beginning found; None: it
                begins now, and those that were lost for others are looked for again by and by.

        Raises:
            SettingError: a name cannot be resolved.
        """
        key = (context, frozenset(missing or ()))
        found: Resources | None = self._built().known(key)
        if found and missing is None and found.stale:
            self._built().forget(key)
        elif found:
            return found
        # Loading weights and reading corpora take seconds: not on the event loop.
        tools = partial(self._tools.of, key[1])
        build = partial(Resources.of, context, self._models, tools, self._prices)
        return cast(Resources, await asyncio.wrap_future(self._built().begin(key, build)))

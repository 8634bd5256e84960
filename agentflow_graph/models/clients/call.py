"""One request to a provider, before it has the provider's form."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agentflow_graph.models.providers.options import Options
from agentflow_graph.models.providers.table import Provider

TOOL = "reply"
"""Name of the tool that a model must call, where that is how a reply is held to a schema."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and with what."""

    provider: Provider
    name: str
    """The model, as the provider calls it."""
    url: str
    """Base address; empty where an integration knows it, and of several."""
    key: str = field(repr=False)
    """Empty if there is none for that address."""
    options: Options
    members: "tuple[Endpoint, ...]" = ()
    """The servers, if they are several."""


def pooled(members: Sequence[Endpoint]) -> Endpoint:
    """Several servers of one model as one."""
    return replace(members[0], url="", members=tuple(members))


@dataclass(frozen=True)
class Call:
    """What one request asks for; what is None is not sent."""

    temperature: float | None
    limit: str
    """What the request calls `max_tokens`; empty: not sent."""
    max_tokens: int
    schema: dict[str, Any] | None = None
    """The reply is to fit this JSON schema."""
    structured: str = "none"
    """How it is held to it: one of `providers.table.STRUCTURED`."""
    stream_usage: bool = True
    """Whether a stream is to end with what it spent."""

    @property
    def sent(self) -> set[str]:
        """The parts of the request that are sent on our own account, as refusals name them."""
        parts = {
            "temperature": self.temperature is not None,
            "limit": bool(self.limit),
            "format": self.schema is not None and self.structured != "none",
            "stream_options": self.stream_usage,
        }
        return {part for part, there in parts.items() if there}


How = dict[str, Any]
"""What a caller of the chat model asked for besides, such as `stop`."""


class Wire(Protocol):
    """A way to a provider. What it raises are the provider's own errors."""

    def check(self) -> None:
        """Raises SettingError for a package or a key that is missing."""

    async def ask(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """The reply, in any event loop."""
        ...

    def stream(
        self, call: Call, messages: list[BaseMessage], how: How
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The reply piece by piece, in any event loop."""
        ...

    def ask_blocking(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """The reply, in any thread."""
        ...

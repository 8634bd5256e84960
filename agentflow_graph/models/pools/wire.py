"""A model on several servers of OpenAI's protocol."""

from collections.abc import AsyncIterator, Sequence

import openai
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agentflow_graph.models.clients.call import Call, Endpoint, How
from agentflow_graph.models.clients.openai import OpenAIWire
from agentflow_graph.models.clients.server import BUSY
from agentflow_graph.models.pools.watch import Silent, watch_over
from agentflow_graph.models.providers.faults import is_too_long, status_of


class PooledWire:
    """Each request goes to one of `endpoints`: one model at different addresses."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._wires = [OpenAIWire(endpoint) for endpoint in endpoints]
        self._watch = watch_over(tuple(one.url.removesuffix("/v1") for one in endpoints))

    def check(self) -> None:
        """See `Wire`."""
        for wire in self._wires:
            wire.check()

    async def ask(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`; raises the error of the last server when all are away."""
        return await self._watch.ask(
            lambda number: self._wires[number].ask(call, messages, how), is_away
        )

    async def stream(
        self, call: Call, messages: list[BaseMessage], how: How
    ) -> AsyncIterator[ChatGenerationChunk]:
        """See `Wire`; a stream that has begun stays where it is."""
        self._watch.look_around()
        for attempt in self._watch.pool.attempts(is_away):
            with attempt as number:
                async for chunk in self._wires[number].stream(call, messages, how):
                    attempt.final = True
                    yield chunk
                return

    def ask_blocking(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`."""
        self._watch.look_around_blocking()
        for attempt in self._watch.pool.attempts(is_away):
            with attempt as number:
                return self._wires[number].ask_blocking(call, messages, how)
        raise AssertionError("the last attempt returns or raises")


def is_away(error: Exception) -> bool:
    """Whether another server may answer: this one is gone, busy or broken, or went silent."""
    if isinstance(error, Silent | openai.APIConnectionError):
        return True
    return status_of(error) in BUSY and not is_too_long(error)

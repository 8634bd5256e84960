"""Providers with a protocol of their own, asked through their LangChain integration.

Their asynchronous clients are shared between event loops, so their synchronous ones are used, in
threads: those belong to no loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agentflow_graph.errors import SettingError
from agentflow_graph.models.clients.call import TOOL, Call, Endpoint, How

T = TypeVar("T")
IN_FLIGHT = 64
"""Requests at once, over all such providers."""


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="agentflow-model")


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` gives, from a thread that has this task's context variables."""
    loop, context = asyncio.get_running_loop(), copy_context()
    return await loop.run_in_executor(_threads(), lambda: context.run(work))


class PackageWire:
    """A model behind an integration."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._built = lru_cache(maxsize=16)(self._made)

    def check(self) -> None:
        """See `Wire`; what is missing shows when a model is built."""
        self._built(None, "", 1)

    async def ask(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`."""
        return await in_thread(lambda: self.ask_blocking(call, messages, how))

    async def stream(
        self, call: Call, messages: list[BaseMessage], how: How
    ) -> AsyncIterator[ChatGenerationChunk]:
        """See `Wire`."""
        # LangChain's default reads the synchronous stream, in a thread.
        chunks = BaseChatModel._astream(self._model(call), messages, **self._arguments(call), **how)
        async for chunk in chunks:
            yield chunk

    def ask_blocking(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`."""
        return self._model(call)._generate(messages, **self._arguments(call), **how)

    def _model(self, call: Call) -> BaseChatModel:
        """The model with the parameters of `call`: integrations take most of them when built."""
        return self._built(call.temperature, call.limit, call.max_tokens)

    def _arguments(self, call: Call) -> dict[str, Any]:
        """What goes along with the messages."""
        provider = self.endpoint.provider
        if call.schema is None or call.structured not in ("tool", "schema"):
            return {}
        if call.structured == "schema":
            known = provider.schema_field
            return {known: call.schema, **provider.schema_beside} if known else {}
        # LangChain names a tool by its schema's title.
        tool = {"description": "Gives the reply.", **call.schema, "title": TOOL}
        bound: Any = self._model(call).bind_tools([tool], tool_choice=TOOL)
        return dict(bound.kwargs)

    def _made(self, temperature: float | None, limit: str, max_tokens: int) -> BaseChatModel:
        from langchain.chat_models import init_chat_model

        endpoint, options = self.endpoint, self.endpoint.options
        given: dict[str, Any] = {"cache": False, **options.extra}
        # None is said to the packages of our table: Gemini's has a default of its own.
        if temperature is not None or endpoint.provider.package:
            given["temperature"] = temperature
        if limit:
            given[limit] = max_tokens
        for name, value in (("timeout", options.timeout), ("max_retries", options.retries)):
            if called := endpoint.provider.renamed.get(name, name):
                given[called] = value
        spec = f"{endpoint.provider.integration}:{endpoint.name}"
        try:
            model: BaseChatModel = init_chat_model(spec, **given)
        except Exception as error:  # integrations raise classes of their own for a missing key
            raise SettingError(_why(spec, endpoint, error)) from error
        return model


def _why(spec: str, endpoint: Endpoint, error: Exception) -> str:
    provider = endpoint.provider
    if isinstance(error, ImportError):
        package = provider.package or f"langchain-{provider.integration.replace('_', '-')}"
        return f"model {spec!r} needs a package: pip install {package}"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"model {spec!r} cannot be built: {' '.join(line.strip() for line in lines)[:300]}"

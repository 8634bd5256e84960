"""A chat model behind a provider, asked in the form that the provider takes.

    model = chat_model("openai:gpt-5-mini?reasoning_effort=low", 0.0, 2048)
    reply = await model.ainvoke(messages, reply_schema=schema, room=2, warmer=True)

What a server refuses of what we send on our own account (temperature, the name of the token limit,
a response format, usage while streaming, the system role) is left out and the request made once
more. Every failure is a `ModelError` that says who was asked, why, and the remedy.
"""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from agentflow_graph.models.clients.call import TOOL, Call, Endpoint, Wire
from agentflow_graph.models.clients.form import Form
from agentflow_graph.models.providers.faults import Asked
from agentflow_graph.replies.reasoning import thought_in

WARMER = 0.6
"""Temperature of a repair, at least: a model that is asked the same at 0 says the same."""
CHARACTERS = 4
"""Of a token, about: budgets must hold where a server does not tell what was spent."""


class ProviderModel(BaseChatModel, arbitrary_types_allowed=True):
    """One model of a provider; any event loop and any thread may ask it.

    Beside messages a call takes `reply_schema` (the reply is to fit this JSON schema, as far as the
    provider can hold it to one), `room` (that many times the tokens for the reply) and `warmer`.

    Raises:
        ModelError: it was asked and did not answer.
    """

    spec: str
    """Model string, without parameters."""
    endpoint: Endpoint
    temperature: float | None = None
    """None: not sent."""
    max_tokens: int = 2048
    _wire: Any = PrivateAttr()  # a Wire, which pydantic cannot check
    _form: Form = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Nothing is asked and no connection opened yet."""
        provider, key = self.endpoint.provider, self.endpoint.key
        asked = Asked(self.spec, provider, self.endpoint.url, bool(key))
        self._form = Form(self.endpoint, asked)
        self._wire = _wire_to(self.endpoint)

    def check(self) -> None:
        """Raises SettingError for a package or a key that is missing."""
        self._wire.check()

    @property
    def sampling(self) -> dict[str, Any]:
        """How it samples, for the record; further parameters included."""
        told: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return told | ({"extra": extra} if (extra := self.endpoint.options.extra) else {})

    @property
    def _llm_type(self) -> str:
        return "agentflow-provider"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """All that an answer depends on besides the request, for caches."""
        where = {"model": self.spec, "url": self.endpoint.url}
        return {**where, **self.sampling, "options": repr(self.endpoint.options)}

    def _get_ls_params(self, stop: list[str] | None = None, **how: Any) -> Any:
        told = {"ls_provider": self.endpoint.provider.name, "ls_model_name": self.endpoint.name}
        limits: dict[str, Any] = {"ls_max_tokens": self.max_tokens}
        if self.temperature is not None:
            limits["ls_temperature"] = self.temperature
        return {**super()._get_ls_params(stop=stop, **how), **told, **limits}

    def _call(self, how: dict[str, Any]) -> Call:
        """The request that `how` asks for; its own names are taken out of `how`."""
        warmer, schema = how.pop("warmer", False), how.pop("reply_schema", None)
        warm = max(self.temperature, WARMER) if warmer and self.temperature is not None else None
        options, provider = self.endpoint.options, self.endpoint.provider
        call = Call(
            temperature=self.temperature if warm is None else warm,
            limit=provider.limit,
            max_tokens=self.max_tokens * how.pop("room", 1),
            schema=schema,
            structured=options.structured or provider.structured,
        )
        return self._form.fitted(call)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **how: Any
    ) -> ChatResult:
        call = self._call(how)
        ask = partial(self._answered, call, messages, {"stop": stop, **how})
        if not self.endpoint.options.cache:
            return await ask()
        request = {
            "model": self._identifying_params,
            "messages": [message.model_dump(exclude={"id"}, mode="json") for message in messages],
            "how": [repr(call), repr(stop), repr(sorted(how.items()))],
        }
        # Imported here: it stands on the tools' cache, and most models keep nothing.
        from agentflow_graph.models.clients.cache import remembered

        return await remembered(request, ask)

    async def _answered(
        self, call: Call, messages: list[BaseMessage], how: dict[str, Any]
    ) -> ChatResult:
        while True:
            shaped = self._form.shaped(messages)
            try:
                return _finished(await self._wire.ask(call, shaped, how), messages)
            except Exception as error:
                call = self._form.next_try(call, shaped, error)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **how: Any
    ) -> ChatResult:
        call = self._call(how)
        while True:
            shaped = self._form.shaped(messages)
            try:
                asked = self._wire.ask_blocking(call, shaped, {"stop": stop, **how})
                return _finished(asked, messages)
            except Exception as error:
                call = self._form.next_try(call, shaped, error)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **how: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.endpoint.options.cache:
            whole = (await self._agenerate(messages, stop, **how)).generations[0].message
            fields = whole.model_dump(exclude={"type"})
            yield ChatGenerationChunk(message=AIMessageChunk.model_validate(fields))
            return
        call, meter = self._call(how), _Meter(messages)
        while True:
            shaped = self._form.shaped(messages)
            try:
                async for chunk in self._wire.stream(call, shaped, {"stop": stop, **how}):
                    yield meter.seen(chunk)
                break
            except Exception as error:
                # What was said cannot be taken back: only a stream that has not begun is repeated.
                call = self._form.next_try(call, shaped, error, last=meter.chunks > 0)
        if last := meter.missing():
            yield last


def _wire_to(endpoint: Endpoint) -> Wire:
    """The way to a provider; imported here, for a provider's client takes a second to import."""
    if endpoint.provider.integration:
        from agentflow_graph.models.clients.package import PackageWire

        return PackageWire(endpoint)
    if endpoint.members:
        from agentflow_graph.models.pools.wire import PooledWire

        return PooledWire(endpoint.members)
    from agentflow_graph.models.clients.openai import OpenAIWire

    return OpenAIWire(endpoint)


def cut_off_message(error: Exception) -> AIMessage | None:
    """The reply that OpenAI's client raised as an error because it was cut off; else None."""
    from agentflow_graph.models.clients.openai import cut_off

    return cut_off(error)


class _Meter:
    """What a stream has said, and spent as far as it tells."""

    def __init__(self, messages: list[BaseMessage]) -> None:
        self._messages, self._text, self._told = messages, "", False
        self.chunks = 0

    def seen(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        message = cast(AIMessageChunk, chunk.message)
        self.chunks += 1
        self._text += str(message.text)
        self._told = self._told or message.usage_metadata is not None
        for call in message.tool_call_chunks:
            if call["args"] and not str(message.text):
                message.content = call["args"]
        return chunk

    def missing(self) -> ChatGenerationChunk | None:
        """A last chunk with an estimate of what was spent, if the server did not tell."""
        if self._told:
            return None
        usage = _estimated(self._messages, self._text)
        return ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage))


def _finished(result: ChatResult, messages: list[BaseMessage]) -> ChatResult:
    """The result with the arguments of a called reply tool as its text, and with its usage."""
    for generation in result.generations:
        message = cast(AIMessage, generation.message)
        said = [json.dumps(one["args"]) for one in message.tool_calls if one["name"] == TOOL]
        said += [str(one["args"]) for one in message.invalid_tool_calls if one["name"] == TOOL]
        if said:
            message.content, generation.text = _with_text(message.content, said[-1]), said[-1]
            message.tool_calls, message.invalid_tool_calls = [], []
        if message.usage_metadata is None:
            message.usage_metadata = _estimated(messages, str(message.text))
    return result


def _with_text(content: str | list[Any], text: str) -> str | list[Any]:
    """What a message holds beside its text and calls, its reasoning, with another text."""
    if isinstance(content, str):
        return text
    kept = [one for one in content if isinstance(one, dict) and thought_in(one)]
    return [*kept, {"type": "text", "text": text}]


def _estimated(messages: list[BaseMessage], text: str) -> UsageMetadata:
    given = -(-sum(len(str(message.text)) for message in messages) // CHARACTERS)
    new = -(-len(text) // CHARACTERS)
    return UsageMetadata(input_tokens=given, output_tokens=new, total_tokens=given + new)

"""OpenAI's protocol: one client an event loop, reasoning kept, parameters by each request.

langchain-openai leaves out what other providers add to the protocol, such as their models'
reasoning, and hands one asynchronous client to every event loop of a process; both are put right
here, in the hooks that its other subclasses (langchain-deepseek, langchain-xai) use.
"""

import os
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any

import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import AzureChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI

from agentflow_graph.models.clients.bounded import bounded
from agentflow_graph.models.clients.call import TOOL, Call, Endpoint, How
from agentflow_graph.models.clients.form import OTHER_LIMIT
from agentflow_graph.models.clients.loops import LOOPBACK, PerLoop
from agentflow_graph.models.providers.keys import NO_KEY
from agentflow_graph.models.providers.table import RESPONSES

FIELDS = ("reasoning_content", "reasoning")
"""Where providers put what a model thought: DeepSeek, DashScope, xAI and older vLLM in the first,
vLLM, OpenRouter, Groq, Together and LM Studio in the second."""


class _KeepsReasoning(BaseChatOpenAI):
    """Messages with `reasoning_content` among their additional keywords."""

    def _create_chat_result(
        self,
        response: dict[str, Any] | openai.BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        if not result.generations:
            raise ValueError("the answer has no choices")
        told = response if isinstance(response, dict) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, told["choices"], strict=False):
            _keep_reasoning(generation.message, choice["message"])
        return result

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        if error := chunk.get("error"):
            raise ValueError(error)
        found = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        if found and (choices := chunk.get("choices")):
            _keep_reasoning(found.message, choices[0]["delta"])
        return found


def _keep_reasoning(message: Any, told: Mapping[str, Any]) -> None:
    if not isinstance(message, AIMessage | AIMessageChunk):
        return
    thought = next((told[name] for name in FIELDS if isinstance(told.get(name), str)), "")
    if thought:
        message.additional_kwargs["reasoning_content"] = thought
    if refusal := told.get("refusal"):
        message.additional_kwargs["refusal"] = refusal


class _Chat(_KeepsReasoning):
    @property
    def _llm_type(self) -> str:
        return "agentflow-openai"


class _AzureChat(_KeepsReasoning, AzureChatOpenAI):
    pass


class OpenAIWire:
    """A model behind OpenAI's protocol."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        options = endpoint.options
        needs = endpoint.provider.name == "openai" and bool(RESPONSES.search(endpoint.name))
        self._responses = options.api == "responses" or (needs and options.api != "chat")
        self._held = PerLoop(self._opened, _closed)

    def check(self) -> None:
        """Nothing can be missing here: langchain-openai is installed with this package."""

    async def ask(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`."""
        model, _ = await self._held.get()
        return await model._agenerate(messages, **self._arguments(call), **how)

    async def stream(
        self, call: Call, messages: list[BaseMessage], how: How
    ) -> AsyncIterator[ChatGenerationChunk]:
        """See `Wire`."""
        model, _ = await self._held.get()
        arguments = {"stream_usage": call.stream_usage, **self._arguments(call), **how}
        async for chunk in model._astream(messages, **arguments):
            yield chunk

    def ask_blocking(self, call: Call, messages: list[BaseMessage], how: How) -> ChatResult:
        """See `Wire`."""
        return self._blocking_model._generate(messages, **self._arguments(call), **how)

    @cached_property
    def _blocking_model(self) -> BaseChatModel:
        """The model for synchronous code; its connections belong to no loop."""
        return self._made(http_client=openai.DefaultHttpxClient(mounts=LOOPBACK))

    def _arguments(self, call: Call) -> dict[str, Any]:
        """The request's parameters."""
        body: dict[str, Any] = dict(self.endpoint.options.extra)
        sent: dict[str, Any] = {}
        if call.temperature is not None:
            sent["temperature"] = call.temperature
        if call.limit:
            # Only OpenAI's own names are known to its client.
            (sent if call.limit in OTHER_LIMIT else body)[call.limit] = call.max_tokens
        if call.schema is not None:
            _hold(call.schema, call.structured, body, sent, self._responses)
        return sent | ({"extra_body": body} if body else {})

    def _opened(self) -> tuple[BaseChatModel, Any]:
        client = openai.DefaultAsyncHttpxClient(mounts=LOOPBACK, **bounded(self.endpoint.name))
        return self._made(http_async_client=client), client

    def _made(self, **client: Any) -> BaseChatModel:
        endpoint, options = self.endpoint, self.endpoint.options
        common: dict[str, Any] = {
            "model": endpoint.name,
            "api_key": endpoint.key or NO_KEY,
            "timeout": options.timeout,
            "max_retries": options.retries,
            "use_responses_api": self._responses,
            "temperature": None,  # else langchain-openai sends one to o1
            "cache": False,  # whoever asks has the cache
            **client,
        }
        if endpoint.provider.name == "azure_openai":
            version = os.environ.get("OPENAI_API_VERSION", "2024-10-21")
            place = {"azure_endpoint": endpoint.url, "azure_deployment": endpoint.name}
            return _AzureChat(api_version=version, **place, **common)
        return _Chat(base_url=endpoint.url, **common)


async def _closed(opened: tuple[BaseChatModel, Any]) -> None:
    await opened[1].aclose()


def _hold(
    schema: dict[str, Any], how: str, body: dict[str, Any], sent: dict[str, Any], responses: bool
) -> None:
    """Hold the reply to `schema`.

    The format goes into the body by itself, for where OpenAI's client sees it, it parses the
    reply and raises for one that was cut off.
    """
    form = {"type": "json_schema", "json_schema": {"name": TOOL, "schema": schema}}
    if how == "schema" and responses:
        sent["response_format"] = form
    elif how == "schema":
        body["response_format"] = form
    elif how == "object":
        body["response_format"] = {"type": "json_object"}
    elif how == "tool":
        function = {"name": TOOL, "description": "Gives the reply.", "parameters": schema}
        sent["tools"] = [{"type": "function", "function": function}]
        sent["tool_choice"] = {"type": "function", "function": {"name": TOOL}}


def cut_off(error: Exception) -> AIMessage | None:
    """The message of a reply that OpenAI's client refuses to give because it was cut off."""
    if not isinstance(error, openai.LengthFinishReasonError):
        return None
    done = error.completion
    spent = done.usage
    usage = None
    if spent:
        usage = UsageMetadata(
            input_tokens=spent.prompt_tokens,
            output_tokens=spent.completion_tokens,
            total_tokens=spent.total_tokens,
        )
    text = done.choices[0].message.content or ""
    return AIMessage(text, response_metadata={"finish_reason": "length"}, usage_metadata=usage)

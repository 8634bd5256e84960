from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.exceptions import ModelConnectionError
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult

from tools.base_generator import BaseGenerator


class Broken(BaseChatModel):
    """Raises, or hangs, when asked."""

    hang: bool = False

    @property
    def _llm_type(self) -> str:
        return "broken"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        raise ConnectionError("server gone")

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        if self.hang:
            await asyncio.sleep(60)
        raise ConnectionError("server gone")


def replying(*texts: str) -> BaseGenerator:
    return BaseGenerator(model=GenericFakeChatModel(messages=iter(map(AIMessage, texts))))


async def test_the_reply_comes_back_as_text_and_record() -> None:
    call = {"type": "tool_call", "id": "1", "name": "base_generator", "args": {"query": "hi"}}
    message = await replying(" hello ").ainvoke(call)
    assert message.content == "hello"
    assert message.artifact["status"] == "ok"
    assert message.artifact["seconds"] > 0


def test_the_synchronous_way_works() -> None:
    assert replying("hello").invoke({"query": "hi"}) == "hello"


async def test_the_synchronous_way_works_under_a_running_loop() -> None:
    assert replying("hello").invoke({"query": "hi"}) == "hello"


async def test_without_a_model_it_is_unavailable() -> None:
    text, result = await BaseGenerator()._arun(query="hi")
    assert result["status"] == "unavailable"
    assert "BaseGenerator(model=...)" in text


async def test_a_broken_model_becomes_an_error() -> None:
    text, result = await BaseGenerator(model=Broken())._arun(query="hi")
    assert result["status"] == "error"
    assert text == "base_generator failed: ConnectionError: server gone"


class Away(Broken):
    """Its server cannot be reached, as providers' models say it."""

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        raise ModelConnectionError("connection refused")


async def test_a_model_whose_server_is_away_is_unavailable_for_now() -> None:
    _, result = await BaseGenerator(model=Away())._arun(query="hi")
    assert (result["status"], result["data"]) == ("unavailable", {"away": True})
    _, result = await BaseGenerator(model=Broken())._arun(query="hi")
    assert "data" not in result


async def test_an_empty_reply_becomes_an_error() -> None:
    _, result = await replying("  ")._arun(query="hi")
    assert result["status"] == "error"


async def test_cancelling_passes_through() -> None:
    call = asyncio.create_task(BaseGenerator(model=Broken(hang=True)).ainvoke({"query": "hi"}))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

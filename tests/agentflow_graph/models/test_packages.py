"""Anthropic, Gemini and Ollama through their LangChain packages, at a server of this machine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from answering import Answering, Reply, Request
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from natives import NATIVES, THOUGHT, Native, asks, native

from agentflow_graph import Context, build_graph
from agentflow_graph.models.strings import chat_model
from agentflow_graph.record import RunRecord, record_as

pytestmark = pytest.mark.integration
QUESTION = {"question": "What is 6*7?"}
KEY = "test-key-0123456789"


@tool
async def calculator(query: str) -> str:
    """Calculate."""
    return "42" if query == "6*7" else f"cannot calculate {query!r}"


@pytest.fixture(params=NATIVES)
def name(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def one(name: str, monkeypatch: pytest.MonkeyPatch) -> Native:
    if key := NATIVES[name].key:
        monkeypatch.setenv(key, KEY)
    return NATIVES[name]


def everywhere(model: str, **more: Any) -> Context:
    modules = dict.fromkeys(("planner", "executor", "verifier", "generator"), model)
    return Context(**{**modules, "tools": "none", "max_turns": 2, **more})


async def test_the_question_is_answered(
    name: str, one: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunRecord("run")
    with native(name) as server, record_as(run):
        monkeypatch.setenv(one.url, server.url)
        context = everywhere(one.model, temperature=0.3, reply_tokens=77)
        state = await build_graph(tools=[calculator]).ainvoke(QUESTION, context=context)
    assert (state["error"], state["answer"], state["stopped_by"]) == ("", "42", "verifier")
    assert [call["arguments"] for call in state["turns"][0]["calls"]] == [{"query": "6*7"}]
    asked = {asks(request): request for request in server.asked}
    assert len(server.asked) == len(asked) == 4
    assert {one.limit(request.json) for request in asked.values()} == {77}
    held = {module: one.schema(request.json) is not None for module, request in asked.items()}
    assert held == {"planner": False, "executor": True, "verifier": True, "generator": False}
    assert one.schema(asked["executor"].json)["required"] == ["query"]
    assert "complete" in one.schema(asked["verifier"].json)["properties"]
    spent = state["usage"]["planner"]
    assert (spent["input_tokens"], spent["output_tokens"]) == (10, 5)
    answers = [answer for _, answer in run.calls if "text" in answer]
    assert not any(THOUGHT in answer["text"] for answer in answers), "reasoning is read by nobody"
    assert all(answer["reasoning"] == THOUGHT for answer in answers)
    if one.key:
        assert all(KEY in str(request.headers) for request in server.asked)


async def test_a_stream_says_the_same(
    name: str, one: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    state: dict[str, Any] = {}
    value: Any
    with native(name) as server:
        monkeypatch.setenv(one.url, server.url)
        streaming = build_graph(tools=[calculator]).astream(
            QUESTION, context=everywhere(one.model), stream_mode=["messages", "values"]
        )
        async for mode, value in streaming:
            if mode == "values":
                state = dict(value)
            elif value[1].get("langgraph_node") == "generator":
                told.append(value[0].text)
    assert (state["answer"], state["stopped_by"]) == ("42", "verifier")
    assert state["usage"]["generator"]["input_tokens"] == 10
    assert "42" in "".join(told)
    assert THOUGHT not in "".join(told)


async def test_a_refused_temperature_is_left_out(
    name: str, one: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Reply(400, one.refusal("`temperature` is not supported for this model"))

    def instead(request: Request) -> Reply | None:
        return refused if b'"temperature"' in request.body else None

    with native(name, instead) as server:
        monkeypatch.setenv(one.url, server.url)
        context = everywhere(one.model, temperature=0.3)
        state = await build_graph(tools=[calculator]).ainvoke(QUESTION, context=context)
    assert (state["answer"], state["error"]) == ("42", "")


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_a_failure_says_who_and_why(
    name: str, one: Native, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Reply(status, one.refusal(f"no, not with {KEY}"))
    with Answering([reply]) as server:
        monkeypatch.setenv(one.url, server.url)
        agent = build_graph(tools=[calculator])
        state = await agent.ainvoke(QUESTION, context=everywhere(one.model))
    assert (state["answer"], state["stopped_by"]) == ("unknown", "error")
    assert one.model.partition("?")[0] in state["error"]
    assert str(status) in state["error"]
    assert KEY not in state["error"] or not one.key


def test_any_event_loop_may_ask(name: str, one: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = [SystemMessage("You plan how a question is answered."), HumanMessage("6*7?")]
    with native(name) as server:
        monkeypatch.setenv(one.url, server.url)
        model = chat_model(one.model, 0.0, 9)
        said = [asyncio.run(model.ainvoke(chat)).text for _ in range(3)]
    assert said == [said[0]] * 3
    assert "Tool Name: calculator" in said[0]

"""The executor: arguments, and every way in which a tool can go wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelConnectionError,
    ModelInvalidRequestError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool, StructuredTool, ToolException, tool

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import ModelError, ReplyError
from agentflow_graph.nodes.executor import _only_text
from agentflow_graph.nodes.parts.use import LONGEST_RESULT, MOST_LOST

QUESTION = {"question": "What is the population of Old Harbor?"}


async def call_of(planner: Any, work: BaseTool, models: Any = None, **context: Any) -> Any:
    graph = build_graph({"planner": planner, **(models or {})}, [work])
    state = await graph.ainvoke(QUESTION, context=Context(max_turns=1, **context))
    return state["turns"][0]["calls"][0], state


async def test_a_model_fills_in_the_arguments(scripted, plan) -> None:
    @tool
    async def look_up(query: str, limit: int = 3) -> str:
        """Look something up."""
        return f"population {limit}"

    model = scripted('Sure: {"query": "Old Harbor", "limit": "7"}')
    call, state = await call_of(scripted(plan("x")), look_up, {"executor": model})
    assert call["result"] == "population 7"
    assert call["arguments"] == {"query": "Old Harbor", "limit": "7"}
    asked = model.seen[0][-1].text
    assert '"limit"' in asked and "Context: x" in asked
    assert state["usage"]["executor"]["calls"] == 1
    assert model.asked_with == [{}]


async def test_servers_that_can_are_told_the_schema(scripted, plan, look_up) -> None:
    model = scripted('{"query": "Old Harbor"}')
    await call_of(scripted(plan("x")), look_up, {"executor": model}, structured=True)
    form = model.asked_with[0]["response_format"]
    assert form["json_schema"]["schema"]["required"] == ["query"]


async def test_arguments_that_do_not_fit_are_told_to_the_planner(scripted, plan, look_up) -> None:
    model = scripted('{"question": 1}')
    call, _ = await call_of(scripted(plan("x")), look_up, {"executor": model})
    assert call["status"] == "error"
    assert "do not fit look_up: query: Field required" in call["result"]


async def test_arguments_that_are_no_json_are_a_record(scripted, plan, look_up) -> None:
    call, state = await call_of(scripted(plan("x")), look_up, {"executor": scripted("no")})
    assert (call["status"], call["tool"]) == ("error", "look_up")
    assert "no JSON object" in call["result"]
    assert state["stopped_by"] == "turns"
    assert state["usage"]["executor"]["calls"] == 2


async def test_a_dead_model_ends_the_run_and_is_a_record(scripted, plan, look_up) -> None:
    dead = {"executor": scripted(ModelError("gone"))}
    call, state = await call_of(scripted(plan("x")), look_up, dead)
    assert (call["status"], call["result"]) == ("error", "gone")
    assert (state["stopped_by"], state["error"]) == ("error", "gone")
    assert state["fault"] == "world"
    assert "verdict" not in state["turns"][0]


@pytest.mark.parametrize(
    ("refusal", "fault"),
    [
        (ContextOverflowError("too long"), "policy"),
        (ModelInvalidRequestError("the maximum context length is 8 tokens"), "policy"),
        (ModelInvalidRequestError("no such field"), "world"),
        (ModelConnectionError("nobody there"), "world"),
    ],
)
async def test_a_prompt_too_long_for_a_frozen_model_is_the_planners_doing(
    scripted, plan, look_up, refusal, fault
) -> None:
    _, state = await call_of(scripted(plan("x")), look_up, {"executor": scripted(refusal)})
    assert (state["stopped_by"], state["fault"]) == ("error", fault)
    assert str(refusal) in state["error"]
    assert state["answer"]


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"properties": {"q": {"type": "string"}}, "required": ["q"]}, "q"),
        (
            {"properties": {"q": {"type": "string"}, "n": {"type": "integer"}}, "required": ["q"]},
            "q",
        ),
        ({"properties": {"q": {"type": "string"}}}, "q"),
        ({"properties": {"q": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, "q"),
        ({"properties": {"n": {"type": "integer"}}, "required": ["n"]}, None),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}, None),
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]},
            "b",
        ),
        ({"properties": {}}, None),
        ({}, None),
    ],
)
def test_direct_fills_the_one_text_there_is(schema, field) -> None:
    if field:
        assert _only_text("t", schema) == field
    else:
        with pytest.raises(ReplyError, match="t needs .*set executor to a model"):
            _only_text("t", schema)


async def test_direct_says_which_arguments_it_cannot_fill(scripted, plan) -> None:
    @tool
    async def look_up(query: str, year: int) -> str:
        """Look something up."""
        return "never"

    call, _ = await call_of(scripted(plan("x")), look_up)
    assert "look_up needs (query, year); set executor to a model" in call["result"]


@pytest.mark.parametrize(
    "error", [ValueError("broken"), ToolException("broken"), TimeoutError("broken")]
)
async def test_a_tool_that_raises_is_a_record(error, scripted, plan) -> None:
    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        raise error

    call, state = await call_of(scripted(plan("x")), look_up)
    assert (call["status"], call["result"]) == ("error", f"{type(error).__name__}: broken")
    assert state["stopped_by"] == "turns"


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_tool_that_hangs_is_a_record(kind, scripted, plan) -> None:
    def wait(query: str) -> str:
        time.sleep(0.4)
        return "late"

    async def await_(query: str) -> str:
        await asyncio.sleep(30)
        return "late"

    work = {"func": wait} if kind == "sync" else {"coroutine": await_}
    look_up = StructuredTool.from_function(name="look_up", description="Look.", **work)  # type: ignore[arg-type]
    call, _ = await call_of(scripted(plan("x")), look_up, tool_seconds=0.1)
    assert (call["status"], call["result"]) == ("timeout", "no result within 0.1 s")
    assert call["seconds"] < 0.4


async def test_sync_tools_and_models_that_hang_stop_nobody_else(scripted, plan, look_up) -> None:
    end = threading.Event()

    @tool
    def hang(query: str) -> str:
        """Hang."""
        end.wait(60)
        return "late"

    class Hangs(BaseChatModel):
        _llm_type = "hangs"

        def _generate(self, *_: Any, **__: Any) -> ChatResult:
            end.wait(60)
            raise ValueError("late")

    planner, asks = scripted(plan("x", "hang")), build_graph({"planner": Hangs()}, [look_up])
    lost = (call_of(planner, hang, tool_seconds=0.1) for _ in range(MOST_LOST))
    calls = [call for call, _ in await asyncio.gather(*lost)]
    short = Context(max_seconds=0.1)
    states = await asyncio.gather(*(asks.ainvoke(QUESTION, context=short) for _ in range(8)))
    try:
        assert [call["status"] for call in calls] == ["timeout"] * MOST_LOST
        assert {state["stopped_by"] for state in states} == {"seconds"}
        refused, _ = await call_of(planner, hang)
        assert refused["status"] == "unavailable"
        assert "hang is not begun: 16 calls before it were given up" in refused["result"]
        assert await asyncio.wait_for(asyncio.to_thread(len, "asyncio's own"), 1) == 13
    finally:
        end.set()


async def test_what_ignores_its_end_is_left(scripted, plan) -> None:
    @tool
    async def look_up(query: str) -> str:
        """Ignore the first cancelling."""
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(30)
        return "late"

    begun = time.perf_counter()
    call, _ = await call_of(scripted(plan("x")), look_up, tool_seconds=0.1)
    assert call["status"] == "timeout"
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("unit", ["x", "\x00\udcff", "population 7\n"])
async def test_a_flood_is_cut(unit, scripted, plan) -> None:
    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        return unit * (10_000_000 // len(unit))

    call, _ = await call_of(scripted(plan("x")), look_up)
    assert call["status"] == "ok"
    assert "characters left out" in call["result"]
    assert len(call["result"]) < LONGEST_RESULT + 100
    call["result"].encode()


async def test_bytes_and_structures_become_text(scripted, plan) -> None:
    @tool
    async def look_up(query: str) -> Any:
        """Look something up."""
        return {"population": 7, "raw": b"\x00"} if query == "x" else b"\x00\xff"

    for query in ("x", "y"):
        call, _ = await call_of(scripted(plan(query)), look_up)
        assert call["status"] == "ok" and isinstance(call["result"], str)


@pytest.mark.parametrize("status", ["ok", "error", "timeout", "unavailable"])
async def test_a_tool_may_say_its_status_in_the_artifact(status, scripted, plan) -> None:
    def work(query: str) -> tuple[str, dict[str, Any]]:
        return "text", {"status": status, "text": "text", "seconds": 0.1}

    look_up = StructuredTool.from_function(
        work, name="look_up", description="Look.", response_format="content_and_artifact"
    )
    call, _ = await call_of(scripted(plan("x")), look_up)
    assert (call["status"], call["result"]) == (status, "text")


async def test_a_tool_may_ask_a_human_itself(scripted, plan) -> None:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command, interrupt

    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        return f"population {interrupt('how many?')}"

    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    assert (await graph.ainvoke(QUESTION, config))["__interrupt__"]
    assert (await graph.ainvoke(Command(resume="12"), config))["answer"] == "12"

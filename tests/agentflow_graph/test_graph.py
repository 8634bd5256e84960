"""The graph as a whole: flow, budgets, threads, faults that end a run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, messages_to_dict
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import ModelError, QuestionError, SettingError
from agentflow_graph.graph import graph as exported
from agentflow_graph.state import CLEAN, State

QUESTION = {"question": "What is the population of Old Harbor?"}


async def test_two_turns_to_an_answer(scripted, plan, look_up) -> None:
    planner = scripted(plan("New Harbor"), plan("Old Harbor"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    assert (state["answer"], state["stopped_by"]) == ("4821", "verifier")
    assert [turn["calls"][0]["result"] for turn in state["turns"]] == [
        "no New Harbor",
        "Old Harbor has population 4821",
    ]
    assert [turn["verdict"]["complete"] for turn in state["turns"]] == [False, True]
    assert [turn["index"] for turn in state["turns"]] == [1, 2]
    assert state["usage"]["planner"]["calls"] == 2
    assert state["usage"]["planner"]["input_tokens"] == 200
    assert isinstance(state["messages"][-1], AIMessage)


async def test_a_finished_state_is_plain_json_with_no_keys_but_the_declared(
    scripted, plan, look_up
) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    state = await graph.ainvoke(QUESTION)
    assert set(state) == set(State.__annotations__)
    assert set(CLEAN) < set(state)
    json.dumps({**state, "messages": messages_to_dict(state["messages"])})


async def test_every_node_streams_its_update(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"), plan("Old Harbor"))}, [look_up])
    nodes = []
    async for update in graph.astream(QUESTION, stream_mode="updates"):
        for node, value in update.items():
            assert value, node
            nodes.append(node)
    assert nodes == ["begin", *["planner", "executor", "verifier"] * 2, "generator"]


@pytest.mark.parametrize(
    ("context", "stopped_by", "turns"),
    [
        ({"max_turns": 3}, "turns", 3),
        ({"max_turns": 1}, "turns", 1),
        ({"max_tokens": 300}, "tokens", 3),
        ({"max_tokens": 1}, "tokens", 1),
    ],
)
async def test_budgets_end_in_an_answer(
    context, stopped_by, turns, scripted, plan, look_up
) -> None:
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    state = await graph.ainvoke(QUESTION, context=context)
    assert (state["stopped_by"], len(state["turns"])) == (stopped_by, turns)
    assert state["answer"] == "no x"


async def test_the_budget_of_seconds_cuts_a_model_short(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"), 30.0)}, [look_up])
    state = await graph.ainvoke(QUESTION, context=Context(max_seconds=0.2))
    assert state["stopped_by"] == "seconds"
    assert "planner's model did not answer within" in state["error"]
    assert "max_seconds" in state["error"]
    assert state["answer"] == "no x"
    assert 0.2 <= state["seconds"] < 5


async def test_the_budget_of_seconds_is_seen_by_the_verifier(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    state = await graph.ainvoke(QUESTION, context=Context(max_seconds=1e-3, max_turns=1000))
    assert state["stopped_by"] == "seconds"


async def test_ten_turns_need_no_recursion_limit(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    state = await graph.ainvoke(QUESTION, {"recursion_limit": Context().recursion_limit})
    assert len(state["turns"]) == 10


@pytest.mark.parametrize("text", ["", "  \n", None])
async def test_an_empty_question_is_refused(text, scripted, look_up) -> None:
    planner = scripted("never asked")
    with pytest.raises(QuestionError, match="the question is empty"):
        await build_graph({"planner": planner}, [look_up]).ainvoke({"question": text})
    with pytest.raises(QuestionError, match="human message"):
        await build_graph({"planner": planner}, [look_up]).ainvoke({"messages": []})
    assert not planner.seen


@pytest.mark.parametrize("fault", [ConnectionError, TimeoutError, RuntimeError])
async def test_a_planner_that_fails_at_once_leaves_a_turn_and_an_answer(
    fault, scripted, look_up
) -> None:
    graph = build_graph({"planner": scripted(fault("refused"))}, [look_up])
    state = await graph.ainvoke(QUESTION)
    assert state["stopped_by"] == "error"
    assert state["answer"] == "unknown"
    assert f"{fault.__name__}: refused" in state["error"]
    assert "set planner to another model" in state["error"]
    assert [turn["error"] for turn in state["turns"]] == [state["error"]]
    assert state["turns"][0]["calls"] == []


async def test_a_planner_that_fails_later_keeps_what_there_was(scripted, plan, look_up) -> None:
    planner = scripted(plan("x"), ModelError("gone"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    assert (state["stopped_by"], state["error"], state["answer"]) == ("error", "gone", "no x")
    assert len(state["turns"]) == 2
    assert "verdict" in state["turns"][0]


async def test_a_fault_in_the_repair_keeps_the_call_before_it(scripted, look_up) -> None:
    planner = scripted("garbage", ModelError("gone"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    assert [call["number"] for call in state["turns"][0]["planner"]] == [0]
    assert state["usage"]["planner"]["calls"] == 1


async def test_memory_is_fresh_for_every_question_of_a_thread(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    inputs: list[dict[str, Any]] = [
        {"question": "first population?"},
        {"question": "second population?"},
        {"messages": [("user", "third population?")]},
        {"question": "fourth population?"},
        {"messages": [("user", "fifth population?")]},
    ]
    for count, given in enumerate(inputs, start=1):
        state = await graph.ainvoke(given, config, context=Context(max_turns=2))
        asked = given.get("question") or given["messages"][0][1]
        assert (state["question"], len(state["turns"])) == (asked, 2)
        assert state["usage"]["planner"]["calls"] == 2
        assert state["stopped_by"] == "turns"
        assert len([m for m in state["messages"] if isinstance(m, AIMessage)]) == count


async def test_an_error_of_the_last_question_does_not_stop_the_next(
    scripted, plan, look_up
) -> None:
    graph = build_graph({"planner": scripted(ModelError("gone"), plan("Old Harbor"))}, [look_up])
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    assert (await graph.ainvoke(QUESTION, config))["stopped_by"] == "error"
    state = await graph.ainvoke(QUESTION, config)
    assert (state["stopped_by"], state["error"], state["answer"]) == ("verifier", "", "4821")


@pytest.mark.parametrize("first", [{"question": "One?"}, {"messages": [HumanMessage("One?")]}])
@pytest.mark.parametrize("second", [{"question": "Two?"}, {"messages": [HumanMessage("Two?")]}])
async def test_a_new_question_may_interrupt_one_that_waits(
    first, second, scripted, plan, look_up
) -> None:
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up])
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    paused = await graph.ainvoke(first, config, context=Context(approve=True))
    assert paused["question"] == "One?"
    state = await graph.ainvoke(second, config, context=Context(max_turns=1))
    assert (state["question"], len(state["turns"])) == ("Two?", 1)


async def test_inside_a_parent_graph_with_a_context_of_its_own(scripted, plan, look_up) -> None:
    class Parent(TypedDict, total=False):
        question: str
        answer: str

    class Theirs:
        max_turns = "not ours"

    parent: Any = StateGraph(Parent, context_schema=Theirs)  # type: ignore[type-var]
    parent.add_node("agent", build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up]))
    parent.add_edge(START, "agent")
    for context in (None, Theirs()):
        state = await parent.compile().ainvoke(QUESTION, context=context)
        assert state["answer"] == "4821"


async def test_many_runs_at_once_share_one_graph(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    states = await asyncio.gather(*(graph.ainvoke(QUESTION) for _ in range(20)))
    assert [state["answer"] for state in states] == ["4821"] * 20


def test_an_unknown_module_is_refused(scripted) -> None:
    with pytest.raises(SettingError, match="'planer' \\(did you mean 'planner'\\?\\)"):
        build_graph({"planer": scripted("x")})


def test_the_exported_graph_is_bare() -> None:
    assert exported.checkpointer is None
    assert exported.name == "agentflow"
    drawn = exported.get_graph().draw_mermaid()
    for arrow in ("planner --> executor", "executor -.-> verifier", "verifier -.-> planner"):
        assert arrow in drawn.replace("&nbsp;", " "), drawn
    described = (exported.get_context_jsonschema() or {})["properties"]
    assert all(field["description"] for field in described.values())
    assert described["max_turns"]["default"] == 10
    assert set(exported.get_output_jsonschema()["properties"]) == set(State.__annotations__)


def test_the_readme_shows_the_graph_as_it_is() -> None:
    drawn = exported.get_graph().draw_mermaid(with_styles=False).strip()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert drawn in readme

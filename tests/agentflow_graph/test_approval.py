"""A person's word on a tool call: asked before any effect, heard whatever a client forgets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agentflow_graph import Context, build_graph
from agentflow_graph.embed import as_tool, ask
from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent

QUESTION = {"question": "What is the population of Old Harbor?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture
def effects() -> list[str]:
    return []


@pytest.fixture
def tools(effects: list[str]) -> list[BaseTool]:
    @tool
    async def look_up(query: str) -> str:
        """Look something up."""
        effects.append(query)
        return "population 4821" if query == "Old Harbor" else "nobody knows"

    @tool
    async def harmless(text: str) -> str:
        """Say it back."""
        effects.append(f"harmless {text}")
        return text

    return [look_up, harmless]


@pytest.fixture
def agent(scripted: Any, plan: Any, tools: list[BaseTool]) -> Agent:
    made = build_graph({"planner": scripted(plan("Old Harbor"))}, tools)
    made.checkpointer = InMemorySaver()
    return made


def shown(paused: Any) -> Any:
    (waiting,) = paused["__interrupt__"]
    return waiting.value


@pytest.mark.parametrize(
    "given", [QUESTION, {"messages": [HumanMessage("What is the population?")]}]
)
async def test_it_pauses_with_the_call_that_will_run(
    given: Any, agent: Agent, effects: list[str]
) -> None:
    paused = await agent.ainvoke(given, CONFIG, context=Context(approve=True, max_seconds=0.5))
    assert shown(paused) == {
        "action_requests": [
            {
                "name": "look_up",
                "args": {"query": "Old Harbor"},
                "description": "find the facts",
            }
        ],
        "review_configs": [
            {
                "action_name": "look_up",
                "allowed_decisions": ["approve", "edit", "reject", "respond"],
            }
        ],
    }
    assert effects == []
    await asyncio.sleep(0.6)  # a person's time is not the run's
    state = await agent.ainvoke(Command(resume="yes"), CONFIG)
    assert effects == ["Old Harbor"]
    assert (state["answer"], len(state["turns"])) == ("4821", 1)


@pytest.mark.parametrize(
    "answer",
    [
        True,
        "YES",
        " Approve ",
        "ok",
        "y.",
        {"type": "accept"},
        [{"type": "accept", "args": None}],
        {"decisions": [{"type": "approve"}]},
        '{"decisions": [{"type": "approve"}]}',
    ],
)
async def test_a_yes_runs_it_once(answer: Any, agent: Agent, effects: list[str]) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve="all"))
    state = await agent.ainvoke(Command(resume=answer), CONFIG)
    assert (effects, state["answer"]) == (["Old Harbor"], "4821")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (False, "no reason was given"),
        ("no", "no reason was given"),
        ("No: too expensive", "too expensive"),
        ("no, ask me tomorrow", "ask me tomorrow"),
        ([{"type": "ignore", "args": None}], "no reason was given"),
        ({"decisions": [{"type": "reject", "message": "wrong town"}]}, "wrong town"),
    ],
)
async def test_a_no_is_a_no_without_any_context(
    answer: Any, why: str, agent: Agent, effects: list[str]
) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True, max_turns=2))
    paused = await agent.ainvoke(Command(resume=answer), CONFIG)
    (call,) = paused["turns"][0]["calls"]
    assert call["result"] == f"a person refused this call ({why}); plan another step"
    assert shown(paused)["action_requests"][0]["name"] == "look_up"
    state = await agent.ainvoke(Command(resume=answer), CONFIG)
    assert (state["stopped_by"], len(state["turns"]), effects) == ("turns", 2, [])


@pytest.mark.parametrize(
    "answer",
    [
        "perhaps",
        "",
        "yes, but another town",
        7,
        1,
        [],
        {"action": "edit", "context": "Z"},
        {"decisions": []},
        {"decisions": [{"type": "approve"}, {"type": "approve"}]},
        {"type": "edit"},
        {"type": "respond"},
        {"type": "launch"},
        {"type": "edit", "args": {"action": "look_up", "args": "Old Harbor"}},
        [{"type": "edit", "args": {"action": "look_down", "args": {"query": "x"}}}],
        [{"type": "edit", "args": {"action": "look_up", "args": {"town": "x"}}}],
    ],
)
async def test_what_is_no_answer_is_asked_again(
    answer: Any, agent: Agent, effects: list[str]
) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True))
    paused = await agent.ainvoke(Command(resume=answer), CONFIG)
    asked = shown(paused)["action_requests"][0]
    assert (asked["args"], effects) == ({"query": "Old Harbor"}, [])
    assert asked["description"] != "find the facts"
    state = await agent.ainvoke(Command(resume="yes"), CONFIG)
    assert (effects, state["answer"]) == (["Old Harbor"], "4821")


EDITS: list[Callable[[str, dict[str, Any]], Any]] = [
    lambda name, args: {
        "decisions": [{"type": "edit", "edited_action": {"name": name, "args": args}}]
    },
    lambda name, args: [{"type": "edit", "args": {"action": name, "args": args}}],
    lambda name, args: json.dumps({"type": "edit", "args": {"action": name, "args": args}}),
]


@pytest.mark.parametrize("form", EDITS, ids=["langchain", "inbox", "text"])
async def test_an_edit_runs_what_was_edited(
    form: Callable[..., Any], agent: Agent, effects: list[str]
) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True, max_turns=1))
    state = await agent.ainvoke(Command(resume=form("look_up", {"query": "Zero"})), CONFIG)
    assert effects == ["Zero"]
    assert state["turns"][0]["calls"][0]["arguments"] == {"query": "Zero"}


async def test_an_edit_into_another_tool_follows_that_tools_rule(
    agent: Agent, effects: list[str]
) -> None:
    edit = EDITS[0]("harmless", {"text": "hi"})
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve="look_up", max_turns=1))
    await agent.ainvoke(Command(resume=edit), CONFIG)
    assert effects == ["harmless hi"]
    other: Any = {"configurable": {"thread_id": "2"}}
    await agent.ainvoke(QUESTION, other, context=Context(approve="all", max_turns=1))
    paused = await agent.ainvoke(Command(resume=edit), other)
    assert shown(paused)["action_requests"][0] == {
        "name": "harmless",
        "args": {"text": "hi"},
        "description": "harmless needs an approval of its own.\n\nfind the facts",
    }
    assert effects == ["harmless hi"]
    await agent.ainvoke(Command(resume="yes"), other)
    assert effects == ["harmless hi"] * 2


@pytest.mark.parametrize(
    "answer",
    [
        {"decisions": [{"type": "respond", "message": "population 17"}]},
        [{"type": "response", "args": "population 17"}],
    ],
)
async def test_a_person_may_answer_in_the_tools_place(
    answer: Any, agent: Agent, effects: list[str]
) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True))
    state = await agent.ainvoke(Command(resume=answer), CONFIG)
    assert (effects, state["answer"]) == ([], "17")
    assert state["turns"][0]["calls"][0]["data"] == {"answered_by": "a person"}


async def test_only_the_named_tools_are_asked_for(agent: Agent, effects: list[str]) -> None:
    state = await agent.ainvoke(QUESTION, CONFIG, context=Context(approve="harm*"))
    assert (effects, state["answer"]) == (["Old Harbor"], "4821")


async def test_a_name_that_names_no_tool_is_refused(agent: Agent, effects: list[str]) -> None:
    with pytest.raises(SettingError, match="approve='look_upp' names no tool.*'look_up'"):
        await agent.ainvoke(QUESTION, CONFIG, context=Context(approve="look_upp"))
    assert effects == []


async def test_the_executors_model_is_asked_once(
    scripted: Any, plan: Any, tools: list[BaseTool], effects: list[str]
) -> None:
    """What was shown is what runs, though a model would write it anew."""
    executor = scripted('{"query": "Old Harbor"}', '{"query": "elsewhere"}')
    agent = build_graph({"planner": scripted(plan("x")), "executor": executor}, tools)
    agent.checkpointer = InMemorySaver()
    paused = await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True))
    assert shown(paused)["action_requests"][0]["args"] == {"query": "Old Harbor"}
    state = await agent.ainvoke(Command(resume=True), CONFIG)
    assert (effects, len(executor.seen)) == (["Old Harbor"], 1)
    assert state["usage"]["executor"]["calls"] == 1


async def test_nobody_to_ask_is_said(
    scripted: Any, plan: Any, tools: list[BaseTool], effects: list[str]
) -> None:
    bare = build_graph({"planner": scripted(plan("Old Harbor"))}, tools)
    context = Context(approve=True)
    for way in (
        bare.ainvoke(QUESTION, context=context),
        as_tool(context, bare).ainvoke(QUESTION),
        asyncio.to_thread(ask, QUESTION, context, bare),
    ):
        with pytest.raises(SettingError, match="nobody to ask here.*checkpointer"):
            await way
    assert effects == []


async def test_a_fork_asks_again(agent: Agent, effects: list[str]) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True))
    await agent.ainvoke(Command(resume="yes"), CONFIG)
    past = [one async for one in agent.aget_state_history(CONFIG) if one.next == ("executor",)]
    paused = await agent.ainvoke(None, past[-1].config)
    assert (shown(paused)["action_requests"][0]["name"], effects) == ("look_up", ["Old Harbor"])


async def test_ten_turns_of_approval_need_no_recursion_limit(
    scripted: Any, plan: Any, tools: list[BaseTool]
) -> None:
    agent = build_graph({"planner": scripted(plan("x"))}, tools)
    agent.checkpointer = InMemorySaver()
    context = Context(approve=True, max_turns=10)
    limited: Any = {**CONFIG, "recursion_limit": context.recursion_limit}
    await agent.ainvoke(QUESTION, limited, context=context)
    for _ in range(10):
        state = await agent.ainvoke(Command(resume="yes"), limited)
    assert (state["stopped_by"], len(state["turns"])) == ("turns", 10)

"""Ten turns wherever LangChain is outside us, and from synchronous code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate, PromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool, tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from agentflow_graph import Context, build_graph
from agentflow_graph.embed import as_runnable, as_tool, ask
from agentflow_graph.errors import QuestionError, SettingError

TEN = Context(max_turns=10)
QUESTION = "What is the population of Old Harbor?"


@pytest.fixture
def agent(scripted, plan, look_up) -> Any:
    """A graph that never finds what it looks for."""
    return build_graph({"planner": scripted(plan("x"))}, [look_up])


async def test_in_a_chain(agent) -> None:
    chain = RunnableLambda(lambda q: q.strip()) | as_runnable(TEN, agent) | (lambda s: s["turns"])
    assert len(await chain.ainvoke("  What is the population? ")) == 10


@pytest.mark.parametrize(
    "given",
    [
        ChatPromptTemplate.from_messages([("system", "Be short."), ("human", "{text}")]),
        PromptTemplate.from_template("{text}"),
        lambda given: [SystemMessage("Be short."), HumanMessage(given["text"])],
        lambda given: [("system", "Be short."), ("human", given["text"])],
        lambda given: HumanMessage(given["text"]),
    ],
)
async def test_behind_a_prompt_or_messages(given: Any, agent: Any) -> None:
    chain = RunnableLambda(given) if callable(given) else given
    chain = chain | as_runnable(Context(max_turns=1), agent)
    state = await chain.ainvoke({"text": QUESTION})
    assert (state["question"], len(state["turns"])) == (QUESTION, 1)


def test_what_is_no_question_is_named(agent: Any) -> None:
    with pytest.raises(QuestionError, match="the question is a int; give text, messages"):
        as_runnable(TEN, agent).invoke(7)


async def test_a_bare_graph_in_a_chain_has_room_for_its_turns(agent) -> None:
    chain = RunnableLambda(lambda q: {"question": q}) | agent
    assert len((await chain.ainvoke("What is the population?"))["turns"]) == 10


async def test_a_limit_that_somebody_chose_holds(agent) -> None:
    given: Any = {"question": QUESTION}
    with pytest.raises(GraphRecursionError, match="limit of 7 "):
        await agent.ainvoke(given, {"recursion_limit": 7})
    with pytest.raises(GraphRecursionError, match="limit of 7 "):
        agent.with_config(recursion_limit=7).invoke(given)


class Parent(TypedDict, total=False):
    question: str
    answer: str
    turns: list[Any]


def parent_of(agent: Any, schema: Any = Parent, context: Any = None) -> Any:
    builder = StateGraph(schema, context_schema=context)
    return builder.add_node("agent", agent).add_edge(START, "agent").compile()


class TheirContext(TypedDict, total=False):
    model: str
    user: str
    max_turns: int


@pytest.mark.parametrize(
    ("context", "turns"), [({"model": "x", "max_turns": 1}, 10), ({"max_turns": 2}, 2), (None, 10)]
)
async def test_a_subgraph_under_a_parents_dict(agent, context: Any, turns: int) -> None:
    parent = parent_of(agent, context=TheirContext)
    state = await parent.ainvoke({"question": QUESTION}, context=context)
    assert len(state["turns"]) == turns
    assert len(parent.invoke({"question": QUESTION}, context=context)["turns"]) == turns


async def test_a_subgraph_under_astream_events(agent) -> None:
    parent = parent_of(agent)
    events = [e async for e in parent.astream_events({"question": QUESTION}, version="v2")]
    assert len(events[-1]["data"]["output"]["turns"]) == 10


def test_a_misspelt_setting_of_a_caller_is_named(agent) -> None:
    with pytest.raises(SettingError, match="did you mean 'max_turns'"):
        agent.invoke({"question": QUESTION}, context={"max_turn": 1})


async def test_inside_a_tool(agent) -> None:
    @tool
    async def outer(question: str) -> str:
        """Ask somebody."""
        state = await as_runnable(TEN, agent).ainvoke(question)
        return f"{len(state['turns'])} turns"

    assert await outer.ainvoke({"question": "What is the population?"}) == "10 turns"


async def test_as_a_tool(agent) -> None:
    asker = as_tool(TEN, agent)
    assert asker.name == "agentflow"
    assert list(asker.args) == ["question"]
    assert await asker.ainvoke({"question": "What is the population?"}) == "no x"
    assert asker.invoke({"question": "What is the population?"}) == "no x"


async def test_under_astream_events(agent) -> None:
    chain = RunnableLambda(lambda q: q) | as_runnable(TEN, agent)
    verified = 0
    final: Any = None
    async for event in chain.astream_events("What is the population?", version="v2"):
        if event["event"] == "on_chain_end" and event["name"] == "verifier":
            verified += 1
        if event["event"] == "on_chain_end" and event["name"] == "agentflow":
            final = event["data"]["output"]
    assert (verified, len(final["turns"])) == (10, 10)


async def test_the_graph_itself_under_astream_events_with_its_limit(agent) -> None:
    config: Any = {"recursion_limit": TEN.recursion_limit}
    given: Any = {"question": "What is the population?"}
    events = [e async for e in agent.astream_events(given, config, context=TEN, version="v2")]
    assert len(events[-1]["data"]["output"]["turns"]) == 10


def test_from_synchronous_code(agent) -> None:
    assert len(ask("What is the population?", TEN, agent)["turns"]) == 10
    assert as_tool(TEN, agent).invoke({"question": "Population?"}) == "no x"
    assert ask({"messages": [("user", "Population?")]}, TEN, agent)["question"] == "Population?"


def test_the_graph_itself_from_synchronous_code(agent, tmp_path: Path) -> None:
    given: Any = {"question": QUESTION}
    assert [[*part][0] for part in agent.stream(given, context=Context(max_turns=1))] == [
        "begin", "planner", "executor", "verifier", "generator"
    ]  # fmt: skip
    config: Any = {"configurable": {"thread_id": "1"}}
    with SqliteSaver.from_conn_string(str(tmp_path / "t.db")) as saver:  # it knows no async
        agent.checkpointer = saver
        paused = agent.invoke(given, config, context=Context(approve="all", max_turns=1))
        (action,) = paused["__interrupt__"][0].value["action_requests"]
        assert action["args"] == {"query": "x"}
        assert agent.invoke(Command(resume="yes"), config)["answer"] == "no x"
        assert ask(QUESTION, Context(max_turns=2), agent, config)["stopped_by"] == "turns"


async def test_from_synchronous_code_inside_a_running_loop(agent) -> None:
    assert len(ask("What is the population?", TEN, agent)["turns"]) == 10


async def test_a_callers_callbacks_and_tags_go_through(agent) -> None:
    from langchain_core.callbacks import AsyncCallbackHandler

    class Count(AsyncCallbackHandler):
        starts = 0

        async def on_chat_model_start(self, *_: Any, **__: Any) -> None:
            Count.starts += 1

    await as_runnable(TEN, agent).ainvoke("Population?", {"callbacks": [Count()]})
    assert Count.starts == 10


async def test_a_run_that_failed_is_an_error_for_the_outer_agent(scripted, look_up) -> None:
    broken = build_graph({"planner": scripted(ConnectionError("refused"))}, [look_up])
    call = {"type": "tool_call", "id": "1", "name": "agentflow", "args": {"question": "One?"}}
    message = await as_tool(agent=broken).ainvoke(call)
    assert message.status == "error"
    assert "the planner's model failed (ConnectionError: refused)" in message.content


def test_ask_inside_a_tool_of_a_run_works(scripted, plan, look_up) -> None:
    inner = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])

    @tool
    async def ask_another(query: str) -> str:
        """Ask another agent, synchronously, on the loop of the run."""
        return f"population {ask(QUESTION, agent=inner)['answer']}"

    outer = build_graph({"planner": scripted(plan("x", "ask_another"))}, [ask_another])
    assert ask(QUESTION, agent=outer)["answer"] == "4821"


def test_ask_takes_a_config(agent) -> None:
    seen: list[Any] = []

    class Seen(BaseCallbackHandler):
        def on_chain_start(self, *_: Any, **how: Any) -> None:
            seen.append(how["tags"])

    ask(QUESTION, agent=agent, config={"callbacks": [Seen()], "tags": ["mine"]})
    assert "mine" in seen[0]


def stock(name: str) -> str:
    """How many there are."""
    return name


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"tools": [stock]}, "a function: decorate it with @tool of langchain_core.tools"),
        ({"tools": ["default"]}, r"'default', a str: give objects; names go into Context\(tools="),
        ({"tools": "default"}, "tools is 'default', a str: give a list of tools"),
        ({"tools": [7]}, "tools has 7, a int: give a tool of LangChain"),
        ({"tools": [StructuredTool]}, r"give an object of it, StructuredTool\(\)"),
        ({"models": {"planner": 3}}, "models has 3, a int for planner: give a chat model"),
        ({"models": {"planner": "nano"}}, r"a model string goes into Context\(planner='nano'\)"),
        ({"models": {"planer": None}}, "did you mean 'planner'"),
    ],
)
def test_what_is_no_tool_or_model_is_refused_at_once(given: Any, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        build_graph(**given)

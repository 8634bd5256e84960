"""Ten turns wherever LangChain is outside us, and from synchronous code."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.errors import GraphRecursionError

from agentflow_graph import Context, build_graph
from agentflow_graph.embed import as_runnable, as_tool, ask

TEN = Context(max_turns=10)
QUESTION = "What is the population of Old Harbor?"


@pytest.fixture
def agent(scripted, plan, look_up) -> Any:
    """A graph that never finds what it looks for."""
    return build_graph({"planner": scripted(plan("x"))}, [look_up])


async def test_in_a_chain(agent) -> None:
    chain = RunnableLambda(lambda q: q.strip()) | as_runnable(TEN, agent) | (lambda s: s["turns"])
    assert len(await chain.ainvoke("  What is the population? ")) == 10


async def test_what_a_bare_graph_does_in_a_chain(agent) -> None:
    chain = RunnableLambda(lambda q: {"question": q}) | agent
    with pytest.raises(GraphRecursionError):  # if this passes some day, embed.py may go
        await chain.ainvoke("What is the population?")


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
    assert len(agent_calls(agent)) == 10


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


def agent_calls(agent: Any) -> list[Any]:
    resources = agent.nodes["planner"].bound.afunc._resources.__self__
    return list(resources._models["planner"].seen)


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

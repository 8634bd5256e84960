"""What streams carry: the answer once, who speaks, and progress as a terminal shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import groupby
from typing import Any

import pytest
from answering import Answering
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from wire import provider, settings

from agentflow_graph import Context, build_graph, graph
from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent
from agentflow_graph.prompts.progress import Progress, line

QUESTION: Any = {"question": "What is 6*7?"}
WORDS = "It is so. <answer>42</answer>"
PLAN = "Justification: j\nContext: 6*7\nSub-Goal: compute\nTool Name: compute"


@pytest.fixture
def server() -> Iterator[Answering]:
    def say(body: dict[str, Any], number: int) -> str | None:
        return PLAN if "You plan" in str(body["messages"]) else None

    with provider(say) as server:
        yield server


@pytest.fixture
def compute() -> BaseTool:
    @tool
    async def compute(query: str) -> str:
        """Compute."""
        return "42"

    return compute


Said = tuple[str, tuple[str, ...], dict[str, Any], str]


async def said(agent: Agent, context: Context, **how: Any) -> list[Said]:
    """What a stream of messages gives: node, tags, metadata and the whole text of each message."""
    parts = [
        (message.id, told, str(message.text))
        async for message, told in agent.astream(
            QUESTION, context=context, stream_mode="messages", **how
        )
    ]
    found = []
    for _, group in groupby(parts, key=lambda part: part[0]):
        pieces = list(group)
        told = pieces[0][1]
        words = "".join(text for _, _, text in pieces)
        found.append((told["langgraph_node"], tuple(told.get("tags", ())), told, words))
    return found


@pytest.mark.enable_socket
@pytest.mark.integration
async def test_the_answer_comes_once_and_each_says_who_speaks(
    server: Answering, compute: BaseTool
) -> None:
    agent, context = build_graph(tools=[compute]), settings(server, executor="direct")
    found = await said(agent, context)
    assert [(node, tags, words) for node, tags, _, words in found] == [
        ("planner", ("agentflow:planner",), PLAN),
        ("verifier", ("agentflow:verifier",), '{"complete": true, "reason": "done"}'),
        ("generator", ("agentflow:generator",), WORDS),
    ]
    planner, _, generator = (told for _, _, told, _ in found)
    assert (planner["agentflow_module"], planner["agentflow_turn"]) == ("planner", 1)
    assert generator["agentflow_output"] == "direct"
    whole: Any = await agent.ainvoke(QUESTION, context=context)
    assert (whole["messages"][-1].text, whole["messages"][-1].name) == ("42", "agentflow")


@pytest.mark.enable_socket
@pytest.mark.integration
async def test_the_answer_replaces_what_was_streamed(server: Answering, compute: BaseTool) -> None:
    agent, context = build_graph(tools=[compute]), settings(server, executor="direct")
    streamed, state = set(), {}
    modes: Any = ["messages", "values"]
    async for mode, part in agent.astream(QUESTION, context=context, stream_mode=modes):
        if mode == "values":
            state = part
        elif part[1]["langgraph_node"] == "generator":
            streamed.add(part[0].id)
    assert streamed == {state["messages"][-1].id}


@pytest.mark.enable_socket
@pytest.mark.integration
@pytest.mark.parametrize(
    ("streamed", "heard"),
    [("generator", [WORDS]), ("verifier, generator", ['{"complete"', WORDS]), ("none", ["42"])],
)
async def test_a_setting_says_who_is_heard(
    server: Answering, compute: BaseTool, streamed: str, heard: list[str]
) -> None:
    agent = build_graph(tools=[compute])
    context = settings(server, executor="direct", streamed=streamed)
    words = [text for *_, text in await said(agent, context)]
    assert [text[: len(want)] for text, want in zip(words, heard, strict=True)] == heard


@pytest.mark.enable_socket
@pytest.mark.integration
async def test_a_tools_model_is_heard_once_and_counted_once(server: Answering) -> None:
    plan = PLAN.replace("compute", "base_generator")

    def say(body: dict[str, Any], number: int) -> str | None:
        return plan if "You plan" in str(body["messages"]) else None

    marks = "You answer a question from the steps"  # what the server takes the tool's model for
    with provider(say) as server:
        context = settings(server, executor="direct", generator="extractive", max_turns=1)
        spec = f"vllm:m@{server.url}"
        plan = plan.replace("Context: 6*7", f"Context: {marks}")
        context = context.model_copy(update={"tools": "base_generator", "tool_model": spec})
        count = UsageMetadataCallbackHandler()
        found = await said(graph, context, config={"callbacks": [count]})
        asked = len(server.asked)
    tools = [(tags, words) for node, tags, _, words in found if node == "executor"]
    assert tools == [(("agentflow:base_generator",), WORDS)]
    assert asked == 3
    assert sum(usage["output_tokens"] for usage in count.usage_metadata.values()) == 5 * asked


async def test_an_answer_by_rule_is_one_message(scripted: Any, plan: Any, look_up: Any) -> None:
    agent = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    given: Any = {"question": "What is the population of Old Harbor?"}
    found = [part async for part in agent.astream(given, stream_mode="messages")]
    assert [(told["langgraph_node"], message.text) for message, told in found] == [
        ("planner", plan("Old Harbor")),
        ("generator", "4821"),
    ]


async def test_answers_under_one_id_do_not_replace_each_other(
    scripted: Any, plan: Any, look_up: Any
) -> None:
    class Same(type(scripted())):  # type: ignore[misc]
        async def _agenerate(self, *given: Any, **how: Any) -> Any:
            result = await super()._agenerate(*given, **how)
            result.generations[0].message.id = "always"
            return result

    models = {"planner": scripted(plan("x")), "generator": Same(replies=["1", "2"], seen=[])}
    agent = build_graph(models, [look_up])
    agent.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    for number in (1, 2):
        given: Any = {"messages": [HumanMessage(f"Number {number}?")]}
        state = await agent.ainvoke(given, config, context=Context(max_turns=1))
    assert [one.text for one in state["messages"]] == ["Number 1?", "1", "Number 2?", "2"]


async def events(agent: Agent, context: Context | None = None) -> AsyncIterator[Progress]:
    given: Any = {"question": "What is the population of Old Harbor?"}
    async for event in agent.astream(given, context=context, stream_mode="custom"):
        yield event


async def test_progress_is_told_as_it_happens(scripted: Any, plan: Any, look_up: Any) -> None:
    agent = build_graph({"planner": scripted("?", "?", plan("Old Harbor"))}, [look_up])
    found: list[Any] = [event async for event in events(agent)]
    assert [event["type"] for event in found] == [
        *("began", "planned", "began", "returned", "began", "judged"),
        *("began", "planned", "began", "called", "returned", "began", "judged"),
        *("began", "answered"),
    ]
    began = [(event["module"], event["turn"]) for event in found if event["type"] == "began"]
    modules = [("planner", 1), ("executor", 1), ("verifier", 1)]
    assert began == [*modules, *((name, 2) for name, _ in modules), ("generator", 0)]
    assert "Tool Name" in found[1]["error"]
    _, called, back = found[8:11]
    assert called == {
        "type": "called", "turn": 2, "tool": "look_up", "arguments": {"query": "Old Harbor"}
    }  # fmt: skip
    assert (back["status"], back["result"]) == ("ok", "Old Harbor has population 4821")
    assert 0 < back["seconds"] < 5
    assert found[12]["complete"] and found[12]["stopped_by"] == "verifier"
    last = {"type": "answered", "answer": "4821", "stopped_by": "verifier", "error": ""}
    assert found[-1] == last
    lines = [text for event in found if (text := line(event))]
    assert lines[0] == "Turn 1" and "  executor   look_up(Old Harbor)" in lines


async def test_a_failed_run_says_why(scripted: Any, look_up: Any) -> None:
    agent = build_graph({"planner": scripted(ConnectionError("refused"))}, [look_up])
    last: Any = [event async for event in events(agent)][-1]
    assert last["stopped_by"] == "error"
    assert "the planner's model failed (ConnectionError: refused)" in last["error"]


async def test_progress_holds_no_secret(
    scripted: Any, plan: Any, look_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", "planted-4738-secret")
    agent = build_graph({"planner": scripted(plan("planted-4738-secret"))}, [look_up])
    found = [event async for event in events(agent, Context(max_turns=1))]
    assert "[hidden]" in str(found) and "planted-4738" not in str(found)


async def test_a_parent_hears_progress_too(scripted: Any, plan: Any, look_up: Any) -> None:
    from langgraph.graph import START, StateGraph

    from agentflow_graph import State

    agent = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    parent: Any = StateGraph(State).add_node("agent", agent).add_edge(START, "agent").compile()
    given = {"question": "What is the population of Old Harbor?"}
    found = [part async for part in parent.astream(given, stream_mode="custom", subgraphs=True)]
    assert [event["type"] for _, event in found][-1] == "answered"


def test_a_speaker_that_is_nobody_is_named() -> None:
    with pytest.raises(SettingError, match="'writer'.*give all, none, or some of planner"):
        Context(streamed="writer")


def test_tools_count_as_one_speaker() -> None:
    assert Context(streamed="tools").is_streamed("base_generator")
    assert not Context(streamed="tools").is_streamed("planner")

"""Which text of a thread is the question, and what was said before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import QuestionError
from agentflow_graph.graph import Agent
from agentflow_graph.record import read
from agentflow_graph.terminal.replay import replay

CONFIG: Any = {"configurable": {"thread_id": "1"}}
ONE = Context(max_turns=1)


@pytest.fixture
def agent(scripted: Any, plan: Any, look_up: BaseTool) -> Agent:
    made = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    made.checkpointer = InMemorySaver()
    return made


async def asked(agent: Agent, given: Any) -> str:
    return str((await agent.ainvoke(given, CONFIG, context=ONE))["question"])


async def test_the_newest_human_message(agent: Agent) -> None:
    assert await asked(agent, {"messages": [("user", "One?")]}) == "One?"
    assert await asked(agent, {"messages": [("user", "Two?")]}) == "Two?"
    assert await asked(agent, {"question": "Three?"}) == "Three?"
    assert await asked(agent, {"messages": [("user", "Four?")], "question": "Other?"}) == "Four?"


async def test_a_message_edited_in_its_place(agent: Agent) -> None:
    assert await asked(agent, {"messages": [HumanMessage("One?", id="m1")]}) == "One?"
    state = await agent.aget_state(CONFIG)
    answer = state.values["messages"][-1]
    from langchain_core.messages import RemoveMessage

    await agent.aupdate_state(CONFIG, {"messages": [RemoveMessage(id=answer.id)]})
    assert await asked(agent, {"messages": [HumanMessage("Edited?", id="m1")]}) == "Edited?"


async def test_a_message_edited_before_its_answer(agent: Agent) -> None:
    assert await asked(agent, {"messages": [HumanMessage("One?", id="m1")]}) == "One?"
    assert await asked(agent, {"messages": [HumanMessage("Edited?", id="m1")]}) == "Edited?"


def handed_over(agent: str = "agentflow") -> list[Any]:
    """What langgraph_supervisor puts before an agent that it hands over to."""
    name = f"transfer_to_{agent}"
    call = {"name": name, "args": {}, "id": "call-1"}
    done = f"Successfully transferred to {agent}"
    return [
        AIMessage("", tool_calls=[call], name="supervisor"),
        ToolMessage(done, name=name, tool_call_id="call-1"),
    ]


async def test_after_a_supervisors_hand_over(agent: Agent) -> None:
    context = Context(max_turns=1, conversation=9)
    first = [HumanMessage("Hello"), AIMessage("Hello!", name="supervisor")]
    messages = [*first, HumanMessage("What is the population?"), *handed_over()]
    state = await agent.ainvoke({"messages": messages}, CONFIG, context=context)
    assert state["question"] == "What is the population?"
    assert state["conversation"] == "Person: Hello\nAnswer: Hello!"
    assert (state["messages"][-1].text, state["messages"][-1].name) == ("4821", "agentflow")
    more = {"messages": [HumanMessage("And now?"), *handed_over()]}
    assert (await agent.ainvoke(more, CONFIG, context=context))["question"] == "And now?"


async def test_a_conversation_beside_the_question_was_said_before(agent: Agent) -> None:
    said = [HumanMessage("Hello"), AIMessage("Hello!")]
    given: Any = {"messages": said, "question": "The population?"}
    state = await agent.ainvoke(given, CONFIG, context=Context(max_turns=1, conversation=9))
    assert state["question"] == "The population?"
    assert state["conversation"] == "Person: Hello\nAnswer: Hello!"


async def test_a_failed_run_is_no_answer_in_a_conversation(scripted: Any, look_up: Any) -> None:
    broken = build_graph({"planner": scripted(ConnectionError("refused"))}, [look_up])
    state = await broken.ainvoke({"messages": [HumanMessage("One?"), *handed_over()]})
    said = state["messages"][-1].text
    assert said.startswith("The question could not be answered: the planner's model failed")
    assert "unknown" not in said


async def test_after_a_first_run_that_failed(scripted: Any, plan: Any, look_up: BaseTool) -> None:
    agent = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    agent.checkpointer = InMemorySaver()
    with pytest.raises(Exception, match="max_turns"):
        await agent.ainvoke({"messages": [("user", "One?")]}, CONFIG, context={"max_turns": 0})
    assert await asked(agent, {"messages": [("user", "Two?")]}) == "Two?"
    assert await asked(agent, {"question": "Three?"}) == "Three?"


async def test_a_question_alone_is_asked_whatever_a_failed_run_left(
    scripted: Any, plan: Any, look_up: BaseTool
) -> None:
    agent = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    agent.checkpointer = InMemorySaver()
    wrong: Any = {"max_turns": 0}
    with pytest.raises(Exception, match="max_turns"):
        await agent.ainvoke({"messages": [("user", "One?")]}, CONFIG, context=wrong)
    assert await asked(agent, {"question": "Two?"}) == "Two?"
    with pytest.raises(Exception, match="max_turns"):
        await agent.ainvoke({"question": "Three?"}, CONFIG, context=wrong)
    assert await asked(agent, {"messages": [("user", "Four?")]}) == "Four?"
    assert agent.invoke({"question": "Five?"}, CONFIG)["question"] == "Five?"
    found = (await agent.aget_state(CONFIG)).metadata
    assert not [name for name in found or {} if "alone" in name], "it is no setting of anybody's"


@pytest.mark.parametrize("kind", ["audio", "file", "video"])
async def test_more_than_text_and_images_is_refused_and_not_dropped(
    kind: str, agent: Agent
) -> None:
    part = {"type": kind, "base64": "AA==", "mime_type": "x/y"}
    message = HumanMessage([{"type": "text", "text": "What is this?"}, part])
    with pytest.raises(QuestionError, match=f"holds {kind}, and models here read text and images"):
        await agent.ainvoke({"messages": [message]}, CONFIG, context=ONE)


@pytest.mark.parametrize("question", [5, ["a"], {"a": 1}])
async def test_a_question_that_is_no_text_is_named(question: Any, agent: Agent) -> None:
    with pytest.raises(QuestionError, match="question is empty"):
        await agent.ainvoke({"question": question}, CONFIG, context=ONE)


async def test_what_was_said_before_is_an_option(
    tmp_path: Path, scripted: Any, plan: Any, look_up: BaseTool
) -> None:
    planner, writer = scripted(plan("Old Harbor")), scripted("<answer>9642</answer>")
    models = {"planner": planner, "generator": writer}
    agent = build_graph(models, [look_up], tmp_path)
    agent.checkpointer = InMemorySaver()
    context = Context(max_turns=1, conversation=2)
    first = [HumanMessage("Hello"), AIMessage("Hello!"), HumanMessage("The population?")]
    await agent.ainvoke({"messages": first}, CONFIG, context=context)
    state = await agent.ainvoke(
        {"messages": [HumanMessage("And twice that?")]}, CONFIG, context=context
    )
    assert state["question"] == "And twice that?"
    for model in (planner, writer):
        shown = model.seen[-1][-1].text
        assert "And twice that?" in shown
        assert "Person: The population?\nAnswer: 9642" in shown
        assert "Hello" not in shown
    runs = list(read(tmp_path).values())
    assert [(await replay(run, tmp_path)).difference for run in runs] == ["", ""]
    await agent.ainvoke({"messages": [HumanMessage("Alone?")]}, CONFIG, context=ONE)
    assert "twice" not in planner.seen[-1][-1].text

"""A run that goes on, on its thread, in this process or another, is asked for nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from tokenizers import Tokenizer

from agentflow_graph import Context, build_graph
from agentflow_graph.record import Record, RecordError, RunRecord, read, record_as
from agentflow_graph.record.reading import files_of

THREAD: Any = {"configurable": {"thread_id": "1"}}
QUESTION = {"question": "What is the population of Old Harbor?"}


@tool
async def asks(query: str) -> str:
    """Ask a person."""
    return f"population {interrupt(query)}"


@pytest.mark.parametrize("process", ["same", "another"])
async def test_what_a_node_had_before_an_interrupt_is_not_asked_again(
    process: str, tmp_path: Path, scripted, plan
) -> None:
    planner, executor = scripted(plan("x", tool="asks")), scripted('{"query": "how many?"}')
    saver = InMemorySaver()

    def graph() -> Any:
        models = {"planner": planner, "executor": executor}
        made = build_graph(models, [asks], record=tmp_path)
        made.checkpointer = saver
        return made

    first = graph()
    paused = await first.ainvoke(QUESTION, THREAD)
    assert paused["__interrupt__"][0].value == "how many?"
    resumed = first if process == "same" else graph()
    state = await resumed.ainvoke(Command(resume="4821"), THREAD)
    assert state["answer"] == "4821"
    assert (len(planner.seen), len(executor.seen)) == (1, 1)
    assert len(files_of(tmp_path)) == (1 if process == "same" else 2)
    (run,) = read(tmp_path).values()
    assert run.state and run.state["answer"] == "4821"
    assert [call.key.node for call in run.calls if call.answer] == ["planner", "executor", "asks"]


async def test_without_a_record_it_is_asked_again(scripted, plan) -> None:
    executor = scripted('{"query": "how many?"}')
    graph = build_graph({"planner": scripted(plan("x", tool="asks")), "executor": executor}, [asks])
    graph.checkpointer = InMemorySaver()
    await graph.ainvoke(QUESTION, THREAD)
    await graph.ainvoke(Command(resume="4821"), THREAD)
    assert len(executor.seen) == 2, "so the test above can fail"


async def test_each_question_of_a_thread_is_a_run_of_its_own(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up], record=tmp_path)
    graph.checkpointer = InMemorySaver()
    names = [(await graph.ainvoke(QUESTION, THREAD))["run"] for _ in range(2)]
    assert list(read(tmp_path)) == names
    assert names[0] != names[1]


async def test_many_runs_at_once_keep_apart(tmp_path: Path, scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up], record=tmp_path)
    questions = [{"question": f"What is the population of Old Harbor, {n}?"} for n in range(20)]
    states = await asyncio.gather(*(graph.ainvoke(question) for question in questions))
    runs = read(tmp_path)
    for question, state in zip(questions, states, strict=True):
        run = runs[state["run"]]
        assert run.question == question["question"]
        assert [call.key.node for call in run.calls] == ["planner", "look_up"]
        assert question["question"] in str(run.calls[0].request["messages"])


async def test_a_graph_inside_a_tool_is_a_run_of_its_own(scripted, plan, look_up) -> None:
    inner = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])

    @tool
    async def agent(query: str) -> str:
        """Ask another agent."""
        return (await inner.ainvoke({"question": "What is the population?"}))["answer"]

    outer = build_graph({"planner": scripted(plan("x", tool="agent"))}, [agent])
    run = RunRecord("outer")
    with record_as(run):
        state = await outer.ainvoke(QUESTION, context=Context(max_turns=1))
    assert state["turns"][0]["calls"][0]["result"] == "4821"
    assert [key.node for key, _ in run.calls] == ["planner", "agent"]


async def test_a_tools_model_is_recorded_and_not_asked_again(
    tmp_path: Path, scripted, plan
) -> None:
    from agentflow_graph.models.recorded import RecordedModel
    from tools.base_generator import BaseGenerator

    model = scripted("a prime is 7")
    tools = [BaseGenerator(model=RecordedModel(inner=model, name="m"))]
    record = Record(tmp_path)
    for attempt in range(2):
        planner = scripted(plan("Name a prime.", tool="base_generator"))
        with record_as(Record(tmp_path).run("r") if attempt else record.run("r")):
            state = await build_graph({"planner": planner}, tools).ainvoke(
                QUESTION, context=Context(max_turns=1)
            )
        assert state["turns"][0]["calls"][0]["result"] == "a prime is 7"
        assert len(planner.seen) == 1 - attempt
    assert len(model.seen) == 1
    call = next(c for c in read(tmp_path)["r"].calls if c.key.node == "base_generator.model")
    assert call.request["model"] == "m"
    assert call.answer and call.answer["text"] == "a prime is 7"


async def test_a_disk_that_is_full_stops_the_run_and_says_so(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    (tmp_path / "file").write_text("")
    graph = build_graph({"planner": scripted(plan("x"))}, [look_up], record=tmp_path / "file" / "r")
    with pytest.raises(RecordError, match="a file is in the place of a folder; name a folder"):
        await graph.ainvoke(QUESTION)


async def test_reasoning_is_recorded_and_read_by_nobody(tmp_path: Path, plan, look_up) -> None:
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    thought = {"type": "thinking", "thinking": "Tool Name: none"}
    message = AIMessage([thought, {"type": "text", "text": plan("Old Harbor")}])
    model = GenericFakeChatModel(messages=iter([message]))
    graph = build_graph({"planner": model}, [look_up], record=tmp_path)
    state = await graph.ainvoke(QUESTION)
    assert state["answer"] == "4821"
    (run,) = read(tmp_path).values()
    answer = run.calls[0].answer
    assert answer and answer["reasoning"] == "Tool Name: none"
    assert answer["text"] == plan("Old Harbor")


async def test_the_record_holds_what_counts_a_planners_tokens(tmp_path: Path) -> None:
    # Without python_coder: where sockets are closed, its sandbox cannot be proved.
    context = Context(tools="wikipedia_search", max_turns=1)
    question = {"question": "What is 2 + 2?"}
    state = await build_graph(record=tmp_path).ainvoke(question, context=context)
    (run,) = read(tmp_path).values()
    path = tmp_path / f"{run.resources['tokenizer']}.tokenizer"
    tokenizer = Tokenizer.from_str(path.read_text())
    prompt = run.calls[0].answer["prompt_ids"] if run.calls[0].answer else []
    assert len(prompt) == state["turns"][0]["planner"][0]["input_tokens"]
    assert "2 + 2" in tokenizer.decode(prompt).replace(" +", " +")


async def test_a_fork_gets_what_was_answered_and_asks_for_the_rest(
    tmp_path: Path, scripted, plan, look_up
) -> None:
    planner = scripted(plan("x"), plan("y"), plan("Old Harbor"))
    graph = build_graph({"planner": planner}, [look_up], record=tmp_path)
    graph.checkpointer = InMemorySaver()
    state = await graph.ainvoke(QUESTION, THREAD)
    history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
    second = next(s for s in history if s.next == ("planner",) and len(s.values["turns"]) == 1)
    again = await graph.ainvoke(None, second.config)
    assert (again["turns"], again["answer"]) == (state["turns"], "4821")
    assert len(planner.seen) == 3, "nobody was asked"
    edit = {"turns": [{"index": 1, "sub_goal": "something else"}]}
    config = await graph.aupdate_state(second.config, edit, as_node="verifier")
    await graph.ainvoke(None, config)
    assert len(planner.seen) > 3, "another prompt is another call"

"""What a run leaves in a checkpointer: little, and all that a fork or an edit needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agentflow_graph import Context, build_graph

THREAD: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 50}


@tool
async def page(query: str) -> str:
    """Read a page."""
    return f"{query}: " + "nothing of interest here. " * 30


@pytest.mark.integration
@pytest.mark.parametrize("planner", ["nano", "scripted"])
async def test_ten_turns_under_sqlite_leave_at_most_220_kb(
    planner: str, tmp_path: Path, scripted, plan
) -> None:
    path = tmp_path / "threads.db"
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        if planner == "nano":
            graph = build_graph()
        else:
            graph = build_graph({"planner": scripted(plan("Old Harbor", tool="page"))}, [page])
        graph.checkpointer = saver
        question = {"question": "What is the colour of the moon?"}
        state = await graph.ainvoke(question, THREAD, context=Context(seed=1))
        assert len(state["turns"]) == 10
        history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
        counts = [len(snapshot.values.get("turns", [])) for snapshot in reversed(history)]
        assert counts == sorted(counts) and counts[-1] == 10
    assert path.stat().st_size <= 225_280


async def test_no_token_ids_and_no_text_of_replies_are_in_a_state(look_up) -> None:
    graph = build_graph(tools=[look_up])
    graph.checkpointer = InMemorySaver()
    state = await graph.ainvoke({"question": "What is the population?"}, THREAD)
    known = {key for turn in state["turns"] for call in turn["planner"] for key in call}
    assert known == {"number", "finish_reason", "input_tokens", "output_tokens", "seconds"}


async def test_a_run_goes_on_from_each_of_its_checkpoints(scripted, plan, look_up) -> None:
    planner = scripted(plan("x"), plan("y"), plan("Old Harbor"))
    graph = build_graph({"planner": planner}, [look_up])
    graph.checkpointer = InMemorySaver()
    whole = await graph.ainvoke({"question": "What is the population?"}, THREAD)
    assert [turn["context"] for turn in whole["turns"]] == ["x", "y", "Old Harbor"]
    history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
    for snapshot in history:
        if snapshot.next in (("executor",), ("verifier",), ("generator",)):
            again = await graph.ainvoke(None, snapshot.config)
            at = len(snapshot.values["turns"])
            assert again["turns"][: at - 1] == whole["turns"][: at - 1]
            assert again["turns"][at - 1]["context"] == whole["turns"][at - 1]["context"]
            assert again["answer"] == "4821"


async def test_an_edit_of_a_turn_is_what_the_run_goes_on_with(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("x"), plan("y"))}, [look_up])
    graph.checkpointer = InMemorySaver()
    context = Context(max_turns=2)
    await graph.ainvoke({"question": "What is the population?"}, THREAD, context=context)
    history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
    planned = next(s for s in history if s.next == ("executor",) and len(s.values["turns"]) == 2)
    edit = {"turns": [{"index": 2, "context": "Old Harbor"}]}
    config = await graph.aupdate_state(planned.config, edit, as_node="planner")
    state = await graph.ainvoke(None, config, context=context)
    assert (state["answer"], len(state["turns"])) == ("4821", 2)
    assert state["turns"][0]["context"] == "x"

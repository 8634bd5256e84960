"""Settings belong to the run: a resume, a fork and an edit find those that it began with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, Overwrite

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import SettingError
from agentflow_graph.graph import Agent
from agentflow_graph.nodes.settings import settings_of

QUESTION = {"question": "What is the population of Old Harbor?"}
CONFIG: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture
def agent(scripted: Any, plan: Any, look_up: BaseTool) -> Agent:
    made = build_graph({"planner": scripted(plan("x"))}, [look_up])
    made.checkpointer = InMemorySaver()
    return made


async def checkpoints(agent: Agent) -> list[Any]:
    """Oldest first."""
    return [one async for one in agent.aget_state_history(CONFIG)][::-1]


async def test_they_are_in_the_state(agent: Agent) -> None:
    state = await agent.ainvoke(QUESTION, CONFIG, context={"max_turns": "2", "seed": 7})
    assert state["settings"] == Context(max_turns=2, seed=7).model_dump()


async def test_the_next_question_takes_new_ones(agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=1, seed=7))
    state = await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=3))
    assert state["settings"] == Context(max_turns=3).model_dump()
    assert len(state["turns"]) == 3


@pytest.mark.parametrize("given", [None, {}, Context()])
async def test_a_resume_finds_them(given: Any, agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True, max_turns=2))
    for _ in range(2):
        state = await agent.ainvoke(Command(resume="yes"), CONFIG, context=given)
    assert (len(state["turns"]), state["stopped_by"]) == (2, "turns")


async def test_a_resume_may_repeat_them(agent: Agent) -> None:
    context = Context(approve=True, max_turns=1)
    await agent.ainvoke(QUESTION, CONFIG, context=context)
    state = await agent.ainvoke(Command(resume="yes"), CONFIG, context=context)
    assert state["stopped_by"] == "turns"


@pytest.mark.parametrize("given", [{"approve": False}, Context(max_turns=5), {"planner": "nano2"}])
async def test_a_resume_with_others_is_refused_by_name(given: Any, agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(approve=True, max_turns=2))
    (name,) = Context.of(given).model_fields_set
    with pytest.raises(SettingError, match=f"{name}=.* came with a resume, but this run began"):
        await agent.ainvoke(Command(resume="no"), CONFIG, context=given)
    paused = await agent.ainvoke(Command(resume="no"), CONFIG)
    assert "refused" in paused["turns"][0]["calls"][0]["result"]


async def test_every_checkpoint_goes_on_under_them(agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=3))
    for past in await checkpoints(agent):
        if past.next:
            state = await agent.ainvoke(None, past.config)
            # What comes before the beginning has no settings yet, and so the defaults.
            begins = past.next in (("__start__",), ("begin",))
            assert len(state["turns"]) == (10 if begins else 3), past.next


async def test_an_edit_of_the_state_changes_them(agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=2, seed=7))
    past = [one for one in await checkpoints(agent) if one.next == ("planner",)][-1]
    edited = await agent.aupdate_state(past.config, {"settings": {"max_turns": 4}})
    state = await agent.ainvoke(None, edited)
    assert (len(state["turns"]), state["settings"]["seed"]) == (4, 7)


@pytest.mark.parametrize(
    ("edit", "said"),
    [({"max_truns": 4}, "max_turns"), ({"max_turns": {4}}, "max_turns"), ({"seed": "x"}, "seed")],
)
async def test_an_edit_into_what_cannot_be_is_refused(
    edit: dict[str, Any], said: str, agent: Agent
) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=2))
    past = [one for one in await checkpoints(agent) if one.next == ("planner",)][-1]
    edited = await agent.aupdate_state(past.config, {"settings": edit})
    with pytest.raises(SettingError, match=said):
        await agent.ainvoke(None, edited)


async def test_settings_are_checked_once_and_kept_exactly() -> None:
    kept = Context(max_seconds=math.inf, temperature=0.1 + 0.2, planner="vllm:\u00e9").model_dump()
    state: Any = {"settings": kept}
    assert settings_of(state, None) is settings_of(state, None)
    assert settings_of(state, None).model_dump() == kept
    state["settings"] = kept | {"seed": 1}
    assert settings_of(state, None).seed == 1


async def test_the_question_can_be_put_in_at_the_start(agent: Agent) -> None:
    await agent.aupdate_state(CONFIG, QUESTION, as_node="__start__")
    state = await agent.ainvoke(None, CONFIG, context=Context(max_turns=2))
    assert (state["question"], len(state["turns"])) == (QUESTION["question"], 2)
    assert state["settings"]["max_turns"] == 2


async def test_the_first_checkpoint_can_be_edited(agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=1))
    first, _, second = (await checkpoints(agent))[:3]
    edited = await agent.aupdate_state(first.config, {"question": "Another?"}, as_node="__start__")
    assert (await agent.ainvoke(None, edited))["question"] == "Another?"
    assert second.next == ("planner",)
    edited = await agent.aupdate_state(second.config, {"question": "A third?"})
    state = await agent.ainvoke(None, edited)
    assert (state["question"], len(state["turns"])) == ("A third?", 1)


async def test_a_stop_before_the_planner_can_be_edited(agent: Agent) -> None:
    await agent.ainvoke(
        QUESTION, CONFIG, context=Context(max_turns=1), interrupt_before=["planner"]
    )
    await agent.aupdate_state(CONFIG, {"question": "Edited?"})
    state = await agent.ainvoke(None, CONFIG)
    assert (state["question"], len(state["turns"])) == ("Edited?", 1)


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        (
            [{"index": 1, "tool": "look_upp"}],
            "there is no tool 'look_upp' (did you mean 'look_up'?",
        ),
        ([{"context": "Old Harbor"}], "turn without its index"),
        (Overwrite([]), "there is no turn for the executor"),
        ([{"index": 5, "context": "x"}], "turn 5 has no plan"),
        ("text", "turns='text' is no list of turns"),
    ],
)
async def test_an_edit_that_breaks_the_memory_is_named(turns: Any, told: str, agent: Agent) -> None:
    await agent.ainvoke(QUESTION, CONFIG, context=Context(max_turns=1))
    past = [one for one in await checkpoints(agent) if one.next == ("executor",)][0]
    try:
        edited = await agent.aupdate_state(past.config, {"turns": turns}, as_node="planner")
        state = await agent.ainvoke(None, edited)
    except SettingError as fault:
        assert told in str(fault)
    else:
        assert told in state["turns"][0]["calls"][0]["result"]

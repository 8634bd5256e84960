"""A script in a model's place, to try a tool without a key; nano says what it never met."""

from __future__ import annotations

import logging

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agentflow_graph import Context, Scripted, build_graph, planned
from agentflow_graph.embed import ask
from agentflow_graph.errors import SettingError


def test_it_says_its_replies_in_turn_and_begins_again() -> None:
    model = Scripted(["one", AIMessage("two"), lambda seen: seen[-1].text.upper()])
    said = [model.invoke([HumanMessage(text)]).text for text in ("a", "b", "c", "d")]
    assert said == ["one", "two", "C", "one"]
    assert [seen[0].text for seen in model.asked] == ["a", "b", "c", "d"]


def test_a_script_without_a_reply_is_refused() -> None:
    with pytest.raises(SettingError, match=r"replies=\[\] says nothing; give texts"):
        Scripted([])


def test_two_models_share_no_list() -> None:
    first, second = Scripted(["x"]), Scripted(["x"])
    first.invoke("?")
    assert (len(first.asked), len(second.asked)) == (1, 0)


def test_a_tool_is_seen_at_work_without_a_key(look_up, caplog) -> None:
    planner = Scripted([planned("look_up", "Old Harbor")])
    agent = build_graph({"planner": planner}, [look_up])
    with caplog.at_level(logging.WARNING, "agentflow_graph"):
        state = ask("What is the population of Old Harbor?", agent=agent)
    assert (state["answer"], state["stopped_by"]) == ("4821", "verifier")
    assert "look_up" in planner.asked[0][0].text, "the planner is shown the tool's card"
    assert caplog.text == ""


async def test_nano_says_when_it_meets_a_tool_it_was_not_trained_with(look_up, caplog) -> None:
    with caplog.at_level(logging.WARNING, "agentflow_graph"):
        state = await build_graph(tools=[look_up]).ainvoke(
            {"question": "What is the population of Old Harbor?"},
            context=Context(max_turns=1, temperature=0),
        )
    assert state["turns"], "it goes on all the same"
    assert (
        "trained with base_generator, python_coder, wikipedia_search alone and will hardly choose "
        "look_up; set planner to a language model" in caplog.text
    )


async def test_nano_says_nothing_of_the_tools_it_knows(caplog) -> None:
    with caplog.at_level(logging.WARNING, "agentflow_graph"):
        await build_graph().ainvoke(
            {"question": "What is 4738 * 37?"},
            context=Context(tools="python_coder", max_turns=1, temperature=0),
        )
    assert caplog.text == ""

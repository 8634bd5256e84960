"""The planner: prompts, analysis, repair, unusable replies."""

from __future__ import annotations

import pytest

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import PromptTooLong

QUESTION = {"question": "What is the population of Old Harbor?"}


async def test_the_prompt_holds_question_cards_memory_and_turns_left(
    scripted, plan, look_up
) -> None:
    planner = scripted(plan("x"), plan("Old Harbor"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    first, second = ("\n".join(str(m.text) for m in seen) for seen in planner.seen)
    assert "Look something up" in first and QUESTION["question"] in first
    assert "Turns left, this one included: 10" in first
    assert "no x" not in first and "no x" in second
    assert "Turns left, this one included: 9" in second
    assert state["layout"] == "static_first"


@pytest.mark.parametrize("layout", ["terse", "static_first", "paper"])
async def test_a_layout_can_be_set_and_is_recorded(layout, scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    state = await graph.ainvoke(QUESTION, context={"layout": layout})
    assert (state["layout"], state["answer"]) == (layout, "4821")


async def test_analysis_is_asked_once_and_shown(scripted, plan, look_up) -> None:
    analyst = scripted("It asks for a number.")
    planner = scripted(plan("x"), plan("Old Harbor"))
    models = {"planner": planner, "analysis": analyst}
    state = await build_graph(models, [look_up]).ainvoke(QUESTION)
    assert state["analysis"] == "It asks for a number."
    assert len(analyst.seen) == 1
    for seen in planner.seen:
        assert "Analysis: It asks for a number." in seen[-1].text
    assert state["usage"]["analysis"]["calls"] == 1


async def test_without_analysis_nothing_is_said_of_it(scripted, plan, look_up) -> None:
    planner = scripted(plan("Old Harbor"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    assert state["analysis"] == ""
    assert "Analysis" not in planner.seen[0][-1].text


async def test_a_failed_analysis_ends_the_run_with_a_record(scripted, plan, look_up) -> None:
    models = {"planner": scripted(plan("x")), "analysis": scripted(OSError("down"))}
    state = await build_graph(models, [look_up]).ainvoke(QUESTION)
    assert state["stopped_by"] == "error"
    assert "analysis's model failed (OSError: down)" in state["error"]
    assert state["turns"][0]["error"] == state["error"]


async def test_one_repair_shows_the_fault_to_its_author(scripted, plan, look_up) -> None:
    planner = scripted(plan("Old Harbor", tool="lookup_up"), plan("Old Harbor"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    (turn,) = state["turns"]
    assert (turn["error"], state["answer"]) == ("", "4821")
    assert [call["number"] for call in turn["planner"]] == [0, 1]
    told = planner.seen[1][-1].text
    assert "no tool named 'lookup_up' (did you mean 'look_up'?)" in told


@pytest.mark.parametrize("repairs", [0, 1, 2])
@pytest.mark.parametrize("reply", ["", "{{{{", "I do not know.", "Context: x\n" * 20_000])
async def test_an_unusable_reply_costs_a_turn_and_no_more(
    reply, repairs, scripted, plan, look_up
) -> None:
    planner = scripted(*[reply] * (repairs + 1), plan("Old Harbor"))
    graph = build_graph({"planner": planner}, [look_up])
    state = await graph.ainvoke(QUESTION, context=Context(repairs=repairs))
    bad, good = state["turns"]
    assert "the reply has no" in bad["error"]
    assert len(bad["planner"]) == repairs + 1
    assert bad["calls"][0]["status"] == "error"
    assert bad["calls"][0]["result"] == bad["error"]
    assert (good["error"], state["answer"]) == ("", "4821")


async def test_a_reply_too_long_to_be_repaired_is_a_bad_reply(scripted, plan, look_up) -> None:
    planner = scripted("x" * 9000, PromptTooLong("too long"), plan("Old Harbor"))
    state = await build_graph({"planner": planner}, [look_up]).ainvoke(QUESTION)
    assert "the reply has no context" in state["turns"][0]["error"]
    assert (len(state["turns"][0]["planner"]), state["answer"]) == (1, "4821")


async def test_no_grammar_constrains_the_planner(scripted, plan, look_up) -> None:
    planner = scripted(plan("Old Harbor"))
    graph = build_graph({"planner": planner}, [look_up])
    await graph.ainvoke(QUESTION, context=Context(structured=True))
    assert planner.asked_with == [{}]

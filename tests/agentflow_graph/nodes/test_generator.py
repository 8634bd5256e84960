"""The generator: outputs in any combination, and a model that fails."""

from __future__ import annotations

from itertools import combinations

import pytest

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import ModelError

QUESTION = {"question": "What is the population of Old Harbor?"}
OUTPUTS = [
    ",".join(names)
    for size in (1, 2, 3)
    for names in combinations(("base", "final", "direct"), size)
]


@pytest.mark.parametrize("outputs", OUTPUTS)
async def test_any_combination_of_outputs(outputs, scripted, plan, look_up) -> None:
    writer = scripted("It follows. <answer>4821</answer>")
    planner = scripted(plan("Old Harbor"))
    graph = build_graph({"planner": planner, "generator": writer}, [look_up])
    state = await graph.ainvoke(QUESTION, context=Context(outputs=outputs, generator="given"))
    assert sorted(state["outputs"]) == sorted(outputs.split(","))
    assert state["answer"] == "4821"
    assert len(writer.seen) == len(outputs.split(","))
    assert len(planner.seen) == (0 if outputs == "base" else 1)
    assert state["question"] == QUESTION["question"]


async def test_base_alone_forgets_the_last_question(scripted, plan, look_up) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    graph = build_graph(
        {"planner": scripted(plan("Old Harbor")), "generator": scripted("4821")}, [look_up]
    )
    graph.checkpointer = InMemorySaver()
    config = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke(QUESTION, config)
    context = Context(outputs="base", generator="given")
    state = await graph.ainvoke({"question": "Why?"}, config, context=context)
    assert (state["turns"], state["question"], state["answer"]) == ([], "Why?", "4821")
    assert set(state["usage"]) == {"generator"}


async def test_by_rule_the_report_shows_the_steps(scripted, plan, look_up) -> None:
    graph = build_graph({"planner": scripted(plan("Old Harbor"))}, [look_up])
    state = await graph.ainvoke(QUESTION, context=Context(outputs="final,direct"))
    assert state["answer"] == state["outputs"]["direct"] == "4821"
    assert state["outputs"]["final"].startswith("4821\n\nStep 1")


@pytest.mark.parametrize("outputs", ["direct", "final, direct", "base"])
async def test_a_dead_model_is_replaced_by_the_rule(outputs, scripted, plan, look_up) -> None:
    models = {"planner": scripted(plan("Old Harbor")), "generator": scripted(ModelError("gone"))}
    context = Context(outputs=outputs, generator="given")
    state = await build_graph(models, [look_up]).ainvoke(QUESTION, context=context)
    assert (state["stopped_by"], state["error"]) == ("error", "gone")
    assert state["answer"] == ("unknown" if outputs == "base" else "4821")


async def test_after_an_error_no_model_is_asked(scripted, look_up) -> None:
    writer = scripted("never")
    models = {"planner": scripted(ModelError("gone")), "generator": writer}
    state = await build_graph(models, [look_up]).ainvoke(QUESTION)
    assert (state["answer"], writer.seen) == ("unknown", [])


async def test_each_module_has_a_model_of_its_own(scripted, plan, look_up) -> None:
    models = {
        "planner": scripted(plan("x")),
        "executor": scripted('{"query": "Old Harbor"}'),
        "verifier": scripted('{"complete": true, "reason": "done"}'),
        "generator": scripted("<answer>4821</answer>"),
        "analysis": scripted("easy"),
    }
    state = await build_graph(models, [look_up]).ainvoke(QUESTION)
    assert state["answer"] == "4821"
    assert {name: spent["calls"] for name, spent in state["usage"].items()} == dict.fromkeys(
        models, 1
    )

"""Budgets are budgets: whatever is slow, a run ends in time, in an answer that says why."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from raw_mcp import RawServers, mute

from agentflow_graph import Context, build_graph
from agentflow_graph.nodes import resources
from agentflow_graph.nodes.parts import modules, toolset
from agentflow_graph.nodes.resources import ResourceCache
from agentflow_graph.record import read
from agentflow_graph.terminal.replay import replay

QUESTION = {"question": "What is the population of Old Harbor?"}


async def timed(graph: Any, **context: Any) -> tuple[dict[str, Any], float]:
    begun = time.perf_counter()
    state = await graph.ainvoke(QUESTION, context=Context(**context))
    return state, time.perf_counter() - begun


async def test_building_counts_and_goes_on_and_delays_nobody_else(
    monkeypatch: pytest.MonkeyPatch, scripted, plan, look_up
) -> None:
    ready = threading.Event()

    def slow(spec: str, *_: Any) -> Any:
        if spec == "slow":
            ready.wait(30)
        return scripted(plan("Old Harbor"))

    monkeypatch.setattr(modules, "chat_model", slow)
    graph = build_graph(tools=[look_up])
    try:
        (late, seconds), (other, _) = await asyncio.gather(
            timed(graph, planner="slow", max_seconds=0.5), timed(graph, planner="quick")
        )
    finally:
        ready.set()
    assert (late["stopped_by"], late["answer"], late["fault"]) == ("seconds", "unknown", "world")
    assert "models and tools were not ready within 0.5 s" in late["error"]
    assert 0.5 <= seconds < 2.5
    assert other["answer"] == "4821"
    assert (await timed(graph, planner="slow"))[0]["answer"] == "4821"


@pytest.mark.parametrize("slow", ["repair", "generator", "both"])
async def test_a_repair_and_the_answer_have_what_is_left(slow, scripted, plan, look_up) -> None:
    planner = scripted("garbage", 30.0) if slow != "generator" else scripted(plan("Old Harbor"))
    models = {"planner": planner, "generator": scripted("x" if slow == "repair" else 30.0)}
    state, seconds = await timed(build_graph(models, [look_up]), max_seconds=0.5)
    assert state["stopped_by"] == "seconds"
    assert state["answer"] == {"generator": "4821", "repair": "x"}.get(slow, "unknown")
    assert seconds < 3  # half a second, one to write the answer, and a busy machine


@pytest.mark.integration
async def test_a_silent_server_costs_a_run_its_budget_at_most(scripted, plan) -> None:
    graph = build_graph({"planner": scripted(plan("6 * 7", "python_coder"))})
    with mute() as url:
        silent = timed(graph, tools=f"python_coder,mcp:{url}", max_seconds=3)
        other = timed(graph, tools="python_coder", max_turns=1, max_seconds=60)
        (state, seconds), (good, _) = await asyncio.gather(silent, other)
    assert (state["stopped_by"], state["answer"]) == ("seconds", "unknown")
    assert 3 <= seconds < 5
    assert good["turns"][0]["calls"][0]["result"] == "42"


@pytest.mark.integration
async def test_a_server_that_is_gone_loses_its_tools_and_the_run_says_so(
    scripted, plan, tmp_path: Path
) -> None:
    tools = RawServers(tmp_path)(
        maps={"find": RawServers.SOUND, "bad name": RawServers.SOUND},
        gone="http://127.0.0.1:9/mcp",
    )
    graph = build_graph({"planner": scripted(plan("x", "find"))}, record=tmp_path / "record")
    state, _ = await timed(graph, tools=tools, max_turns=1)
    assert state["turns"][0]["calls"][0]["result"] == "maps: find"
    assert set(state["missing"]) == {"gone", "maps#bad name"}
    assert "cannot be asked" in state["missing"]["gone"]
    state, _ = await timed(graph, tools="mcp:http://127.0.0.1:9/mcp")
    assert (state["stopped_by"], state["fault"], state["turns"]) == ("error", "world", [])
    assert "no tool can be had: http://127.0.0.1:9/mcp: MCP server" in state["error"]
    runs = read(tmp_path / "record").values()
    assert [(await replay(run, tmp_path / "record")).difference for run in runs] == ["", ""]


@pytest.mark.integration
async def test_another_seed_builds_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = RawServers(tmp_path)
    tools = "default," + servers(maps={"find": RawServers.SOUND}, gone="http://127.0.0.1:9/mcp")
    cache = ResourceCache({}, None)
    first: Any = await cache.of(Context(tools=tools, seed=1))
    for other in ({"seed": 2}, {"temperature": 0.3}, {"max_turns": 3}, {"memory_tokens": 100}):
        found: Any = await cache.of(Context(tools=tools, **other))
        assert found.models["planner"].client is first.models["planner"].client
        assert found.models["planner"].tokenizer is first.models["planner"].tokenizer
        assert all(found.tools[name] is tool for name, tool in first.tools.items())
    await cache.of(Context(tools=tools, passages=7))
    assert servers.listings == 1
    monkeypatch.setattr(toolset, "AGAIN", 0.0)
    monkeypatch.setattr(resources, "AGAIN", 0.0)
    servers(maps={"find": RawServers.SOUND}, gone={"back": RawServers.SOUND})
    assert "back" not in (await cache.of(Context(tools=tools, seed=1), ["gone"])).tools
    assert "back" in (await cache.of(Context(tools=tools, seed=1))).tools

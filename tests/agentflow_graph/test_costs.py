"""What a run costs: to the cent, by who was asked; where money ends it; what has no price."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply
from charging import CALL, charging, model, modules, price_file
from searches import FOUND, searching

from agentflow_graph import Context, build_graph
from agentflow_graph import __main__ as cli
from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.prices import Price
from agentflow_graph.nodes.operator import Operator
from agentflow_graph.record import read
from agentflow_graph.terminal.replay import replay

QUESTION = {"question": "What is 6 times 7?"}
ASKED = ("planner", "executor", "base_generator.model", "verifier", "generator")


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_PRICES", str(price_file(tmp_path)))


async def finished(graph: Any, context: Context, streamed: bool = False) -> dict[str, Any]:
    if not streamed:
        return dict(await graph.ainvoke(QUESTION, context=context))
    state: dict[str, Any] = {}
    async for mode, part in graph.astream(
        QUESTION, context=context, stream_mode=["messages", "values"]
    ):
        state = part if mode == "values" else state
    return state


@pytest.mark.integration
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
async def test_each_call_is_charged_to_whoever_asked(priced: None, streamed: bool) -> None:
    with charging() as server:
        state = await finished(build_graph(), Context(**modules(server)), streamed)
        asked = [request.json for request in server.asked]
    assert sum("stream" in body and body["stream"] for body in asked) == 5 * streamed
    assert state["usage"]["planner"] | {"seconds": 0} == {
        "calls": 1,
        "input_tokens": 1_000,
        "output_tokens": 100,
        "cached_tokens": 400,
        "reasoning_tokens": 30,
        "seconds": 0,
    }
    by = {who: cost["dollars"] for who, cost in state["money"]["by"].items()}
    assert by == dict.fromkeys(ASKED, CALL)
    assert state["money"]["by"]["base_generator.model"]["of"] == model(server, "tool")
    assert state["money"]["total"] == pytest.approx(5 * CALL)


@pytest.mark.integration
async def test_a_run_answers_when_its_money_is_spent(priced: None) -> None:
    """A turn costs four calls: the third begins with 1.31 of 1.32 dollars and is the last."""
    with charging() as server:
        context = Context(**modules(server) | {"max_turns": 9}, max_money=1.32)
        state = await finished(build_graph(), context)
        assert (state["stopped_by"], len(state["turns"]), state["answer"]) == ("money", 3, "42")
        assert state["money"]["total"] == pytest.approx(13 * CALL)
        with pytest.raises(SettingError, match=r"max_money=1 needs every price.*known for nano;"):
            await finished(build_graph(), Context(planner="nano", max_money=1))
    with pytest.raises(SettingError, match="max_money=-1"):
        Context(max_money=-1)


async def test_a_price_that_nobody_states_is_unknown() -> None:
    state = await finished(build_graph(), Context(max_turns=1))
    assert state["money"] == {"total": None, "by": {"planner": {"of": "nano", "dollars": None}}}
    own = build_graph(prices={"nano": Price()})
    assert (await finished(own, Context(max_turns=1, max_money=1)))["money"]["total"] == 0.0


@pytest.mark.integration
def test_the_terminal_ends_with_the_money(priced: None, capsys: pytest.CaptureFixture[str]) -> None:
    with charging() as server:
        settings = [f"--set={name}={value}" for name, value in modules(server).items()]
        assert cli.main(["x", *settings]) == 0
        said = capsys.readouterr().err
        assert re.search(r"^1 turn, 5,500 tokens, \$0\.82, \d+\.\d s$", said, re.M), said
        assert cli.main(["x", *settings, "--json", "--set=planner=nano"]) == 0
    money = json.loads(capsys.readouterr().out)["money"]
    assert money["total"] is None and money["by"]["generator"]["dollars"] == CALL


@pytest.mark.integration
async def test_a_search_is_charged_once_and_not_from_the_cache(
    tmp_path: Path, plan: Any, scripted: Any
) -> None:
    said = "Context: museum\nSub-Goal: find it\nTool Name: web_search"
    with Answering([Reply(body=FOUND)]) as server:
        graph = build_graph({"planner": scripted(said, said)}, [searching(server, tmp_path)])
        context = Context(max_turns=2, executor="direct", verifier="stated")
        state = await finished(graph, context)
    assert len(server.asked) == 1 and len(state["turns"]) == 2
    assert state["usage"]["web_search.tavily"]["calls"] == 1
    assert state["money"]["by"]["web_search.tavily"] == {
        "of": "web_search.tavily",
        "dollars": 0.008,
    }
    assert state["money"]["total"] is None, "the planner is an object without a price"


@pytest.mark.integration
async def test_a_replay_goes_by_the_prices_of_its_run(
    tmp_path: Path, priced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with charging() as server:
        context = Context(**modules(server) | {"max_turns": 9}, max_money=0.5)
        await finished(build_graph(record=tmp_path / "record"), context)
    monkeypatch.delenv("AGENTFLOW_PRICES")
    (run,) = read(tmp_path / "record").values()
    assert (run.state or {})["stopped_by"] == "money"
    done = await replay(run, tmp_path / "record")
    assert not done.difference and not done.note
    assert done.state["money"]["total"] == pytest.approx(5 * CALL)


def test_a_caller_over_http_stays_within_the_operators_money() -> None:
    operator = Operator(defaults={"max_money": 0.5}, most={"max_money": 2})
    assert operator.settled({"max_money": 1.5}).max_money == 1.5
    for asked in (3, 0):
        with pytest.raises(SettingError, match=r"max_money=.*cannot be set over HTTP: at most 2"):
            operator.settled({"max_money": asked})

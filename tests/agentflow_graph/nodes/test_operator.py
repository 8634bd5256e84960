"""What a caller over HTTP may set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentflow_graph import Context, build_graph
from agentflow_graph.errors import SettingError
from agentflow_graph.nodes.operator import FREE, MODELS, MOST, SHIPPED, Operator
from tools.wiki import corpus

TABLE = """
[defaults]
planner = "vllm:own@http://127.0.0.1:8001/v1"
approve = "python_coder"
tools_file = "tools.toml"
max_tokens = 5000
[most]
max_turns = 12
[allow]
models = ["openai:gpt-*", "vllm:*@http://127.0.0.1:8001/v1"]
tools = ["web_search"]
"""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    path = tmp_path / "server.toml"
    path.write_text(TABLE)
    return Operator.read(path)


def test_every_field_has_one_who_sets_it() -> None:
    asked_for = ("tools", "corpus", "approve")
    the_operators = ("tools_file",)
    named = [*FREE, *MOST, *MODELS, *asked_for, *the_operators]
    assert sorted(named) == sorted(Context.model_fields)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"planner": "nano", "executor": "direct", "analysis": "off", "tool_model": ""},
        {"tools": "python_coder, wikipedia_search"},
        {"max_turns": 30, "outputs": "direct,final", "seed": 7, "temperature": 0.1},
        Context().model_dump(),
        {"approve": True},
        {"corpus": "almanac-hard", "verifier": "stated", "generator": "stated"},
    ],
)
def test_what_is_harmless_is_free(given: Any) -> None:
    assert Operator().settled(given) == Context(**given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"planner": "vllm:m@http://evil.example"}, "planner=.*allow. models"),
        ({"planner": "policy:/etc@http://127.0.0.1:1"}, "planner="),
        ({"executor": "local:/etc"}, "executor="),
        ({"verifier": "openai:gpt-5"}, "verifier="),
        ({"generator": "nano2"}, "generator="),
        ({"analysis": "anthropic:x"}, "analysis="),
        ({"tool_model": "openai:x"}, "tool_model="),
        ({"tools": "all"}, r"the operator allows all in .allow. tools"),
        ({"tools": "python_coder,web_search"}, "web_search"),
        ({"tools": "mcp:/tmp/evil.json"}, "mcp:/tmp/evil.json"),
        ({"tools": "mcp:http://evil.example"}, "mcp:http"),
        ({"tools": "langchain_community.tools:ReadFileTool"}, "ReadFileTool"),
        ({"corpus": "/etc/passwd"}, "corpus=.*operator's alone"),
        ({"executor": "stated"}, "executor="),
        ({"tools_file": "/etc/passwd"}, "tools_file=.*operator's alone"),
        ({"max_turns": 31}, "max_turns=31.*at most 30"),
        ({"max_seconds": 1e9}, "at most 900"),
        ({"reply_tokens": 10**9}, "reply_tokens"),
        ({"memory_tokens": 10**9}, "memory_tokens"),
        ({"repairs": 100}, "repairs"),
        ({"passages": 10**6}, "passages"),
        ({"tool_seconds": 1e6}, "tool_seconds"),
    ],
)
def test_the_rest_is_closed_and_names_setting_and_remedy(given: Any, told: str) -> None:
    with pytest.raises(SettingError, match=told) as caught:
        Operator().settled(given)
    assert "cannot be set over HTTP" in str(caught.value)
    assert "AGENTFLOW_SERVER" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"planner": "openai:gpt-5-mini"},
        {"verifier": "vllm:other@http://127.0.0.1:8001/v1"},
        {"tools": "web_search,python_coder"},
        {"approve": "all"},
        {"approve": "web_search,python_coder"},
        {"tools_file": "tools.toml"},
        {"max_tokens": 100},
    ],
)
def test_what_the_operator_allows(given: Any, operator: Operator) -> None:
    assert operator.settled(given) == Context(**{**operator.defaults, **given})


@pytest.mark.parametrize(
    "given",
    [
        {"planner": "vllm:x@http://evil.example/@http://127.0.0.1:8001/v1"},
        {"planner": "vllm:x@http://127.0.0.1:8001/v1/../../x"},
        {"planner": "openai:gpt-5@http://evil.example"},
        {"planner": "xopenai:gpt-5"},
        {"planner": "openai:gpt-5?retries=1000"},
        {"planner": "vllm:own@http://127.0.0.1:8001/v1?timeout=1e9"},
        {"planner": "nano?temperature=9"},
        {"approve": ""},
        {"approve": False},
        {"approve": "web_search"},
        {"max_turns": 13},
        {"max_tokens": 0},
        {"tools_file": "other.toml"},
    ],
)
def test_what_it_does_not(given: Any, operator: Operator) -> None:
    with pytest.raises(SettingError):
        operator.settled(given)


async def test_the_graph_asks_it_at_every_node(scripted: Any, plan: Any, look_up: Any) -> None:
    """An edit of the state brings settings too."""
    from langgraph.checkpoint.memory import InMemorySaver

    agent = build_graph({"planner": scripted(plan("x"))}, [look_up], operator=Operator())
    agent.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    question = {"question": "What is the population?"}
    with pytest.raises(SettingError, match="over HTTP"):
        await agent.ainvoke(question, config, context={"planner": "vllm:m@http://evil.example"})
    await agent.ainvoke(question, config, context={"max_turns": 2}, interrupt_after=["planner"])
    await agent.aupdate_state(config, {"settings": {"tools_file": "/etc/passwd"}})
    with pytest.raises(SettingError, match="tools_file='/etc/passwd' cannot be set over HTTP"):
        await agent.ainvoke(None, config)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[most]\nmax_trns = 3", "max_turns"),
        ("[allow]\nmodel = ['x']", "allow.model: extra inputs"),
        ("[defaults]\nplaner = 'x'", "planner"),
        ("[defaults", "cannot be read"),
        ("[http]\nhosts = 'x'", "http.hosts"),
    ],
)
def test_a_wrong_file_is_named(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=told):
        Operator.read(path)


def test_no_file_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_SERVER", "/nowhere/server.toml")
    with pytest.raises(SettingError, match="/nowhere/server.toml cannot be read"):
        Operator.of_environment()


def test_the_corpora_that_a_caller_may_name_are_those_that_ship() -> None:
    assert SHIPPED - {""} == corpus.SHIPPED.keys()

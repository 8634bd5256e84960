"""The graph behind a real `langgraph dev`: Studio's view of it, and nothing that blocks the loop.

The server runs with blockbuster on, as it does for a developer: a blocking call fails the run.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from devserver import ROOT, dev_server
from langgraph_sdk import get_sync_client
from raw_mcp import mute

from agentflow_graph.context import Context
from agentflow_graph.record import read
from agentflow_graph.state import State
from agentflow_graph.terminal.replay import replay

pytestmark = pytest.mark.integration
QUESTION = {"question": "What is the population of Old Harbor?"}


def streamed(client: Any, thread: str | None, given: Any, **how: Any) -> list[tuple[str, Any]]:
    """(node, update) pairs of one run."""
    parts = client.runs.stream(thread, "agentflow", input=given, stream_mode="updates", **how)
    found = []
    for part in parts:
        assert part.event != "error", part.data
        if part.event == "updates":
            found += list(part.data.items())
    return found


def test_every_nodes_output_is_shown(client: Any) -> None:
    updates = streamed(client, None, QUESTION)
    turns = ["planner", "executor", "verifier"] * 2
    assert [node for node, _ in updates] == ["begin", *turns, "generator"]
    assert updates[1][1]["turns"][0]["context"] == "New Harbor"
    shown = dict(updates)
    assert shown["planner"]["turns"][0]["tool"] == "look_up"
    assert shown["executor"]["turns"][0]["calls"][0]["result"] == "population 4821"
    assert shown["verifier"]["turns"][0]["verdict"]["complete"] is True
    assert shown["generator"]["answer"] == "4821"


def test_blocking_would_have_been_noticed(client: Any) -> None:
    updates = dict(streamed(client, None, {"question": "Blocking?"}, context={"max_turns": 1}))
    assert "Blocking call to time.sleep" in str(updates["executor"]["turns"][0]["calls"][0])


def test_studio_is_told_the_state_and_the_settings(client: Any) -> None:
    (assistant,) = client.assistants.search(graph_id="agentflow")
    schemas = client.assistants.get_schemas(assistant["assistant_id"])
    assert set(schemas["state_schema"]["properties"]) == set(State.__annotations__)
    assert set(schemas["output_schema"]["properties"]) == set(State.__annotations__)
    settings = schemas["context_schema"]["properties"]
    for name, field in Context.model_fields.items():
        assert settings[name]["description"] == field.description
        assert settings[name]["default"] == field.default


def test_a_second_question_of_a_thread_starts_afresh(client: Any) -> None:
    thread = client.threads.create()["thread_id"]
    context = {"max_turns": 1}
    for given in (QUESTION, {"messages": [{"role": "user", "content": "And the population?"}]}):
        state = client.runs.wait(thread, "agentflow", input=given, context=context)
        assert (len(state["turns"]), state["stopped_by"]) == (1, "turns")
        assert state["usage"]["planner"]["calls"] == 1
    assert state["question"] == "And the population?"
    assert [message["type"] for message in state["messages"]] == ["ai", "human", "ai"]


def test_what_is_silent_or_hangs_costs_a_run_its_time_at_most(client: Any) -> None:
    with mute() as url:
        for graph, given in (
            ("named", {"tools": f"default,mcp:{url}", "max_seconds": 2}),
            ("hangs", {"max_seconds": 1}),
        ):
            begun = time.monotonic()
            state = client.runs.wait(None, graph, input=QUESTION, context=given)
            assert (state["stopped_by"], state["answer"]) == ("seconds", "unknown")
            assert time.monotonic() - begun < 6


def test_a_human_approves_and_the_tool_runs_once(client: Any, home: Path) -> None:
    thread = client.threads.create()["thread_id"]
    context = {"approve": True, "max_turns": 1}
    (home / "effects.txt").write_text("")
    paused = client.runs.wait(thread, "agentflow", input=QUESTION, context=context)
    (asked,) = paused["__interrupt__"][0]["value"]["action_requests"]
    assert (asked["name"], asked["args"]) == ("look_up", {"query": "New Harbor"})
    assert (home / "effects.txt").read_text() == ""
    state = client.runs.wait(thread, "agentflow", command={"resume": True})
    assert state["answer"] == "nobody knows"
    assert (home / "effects.txt").read_text() == "New Harbor\n"


def test_a_no_without_the_settings_is_a_no(client: Any, home: Path) -> None:
    thread = client.threads.create()["thread_id"]
    context = {"approve": True, "max_turns": 1}
    (home / "effects.txt").write_text("")
    client.runs.wait(thread, "agentflow", input=QUESTION, context=context)
    state = client.runs.wait(thread, "agentflow", command={"resume": "no"})
    assert (state["stopped_by"], (home / "effects.txt").read_text()) == ("turns", "")


def test_a_wrong_setting_is_an_error_that_names_it(client: Any) -> None:
    with pytest.raises(Exception, match="max_turns=0 cannot be used"):
        client.runs.wait(None, "agentflow", input=QUESTION, context={"max_turns": 0})


def test_the_repositorys_own_graph_answers_and_is_recorded(tmp_path: Path) -> None:
    shutil.copy(ROOT / "langgraph.json", tmp_path)
    (tmp_path / "agentflow_graph").symlink_to(ROOT / "agentflow_graph")
    record = tmp_path / "record"
    server = dev_server(tmp_path, AGENTFLOW_RECORD=str(record))
    with server as url, get_sync_client(url=url, api_key=None) as client:
        given = {"question": "What is 4738 * 37?"}
        updates = streamed(client, None, given, context={"temperature": 0.01})
        assert [name for name, _ in updates[:2]] == ["begin", "planner"]
        assert updates[1][1]["turns"][0]["planner"][0]["output_tokens"]
        assert updates[-1][1]["answer"] == "175306"
        calls = dict(updates)["executor"]["turns"][0]["calls"]
        assert [(call["tool"], call["status"]) for call in calls] == [("python_coder", "ok")]
        (run,) = read(record).values()
        assert run.question == given["question"]
        assert run.state and run.state["answer"] == updates[-1][1]["answer"]
        assert asyncio.run(replay(run, record)).difference == ""
        _refuses_what_is_the_operators(client, tmp_path)
        _refuses_strangers(url)


def _refuses_what_is_the_operators(client: Any, folder: Path) -> None:
    (folder / "secrets.toml").write_text("SERVICE = 'sk-planted-4738'\nbad line")
    for context in (
        {"planner": "vllm:m@http://127.0.0.1:9"},
        {"tools_file": str(folder / "secrets.toml")},
        {"tools": f"mcp:{folder}/evil.json"},
        {"executor": f"local:{folder}"},
        {"tools": "langchain_community.tools:ReadFileTool"},
    ):
        with pytest.raises(Exception, match="cannot be set over HTTP") as caught:
            client.runs.wait(None, "agentflow", input=QUESTION, context=context)
        assert "planted" not in str(caught.value)


def _refuses_strangers(url: str) -> None:
    body = json.dumps({"assistant_id": "agentflow", "input": QUESTION}).encode()
    good = {"Content-Type": "application/json"}
    for headers, status in (
        ({**good, "Origin": "https://evil.example"}, 403),
        ({**good, "Host": "evil.example"}, 421),
        ({"Content-Type": "text/plain"}, 415),
    ):
        request = urllib.request.Request(f"{url}/runs/wait", body, headers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        caught.value.close()
        assert caught.value.code == status
        assert caught.value.headers.get("access-control-allow-origin") != "*"

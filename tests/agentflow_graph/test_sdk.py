"""What apps do on a real LangGraph server, through the SDKs for Python and for JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from devserver import dev_server, write_graphs
from langgraph_sdk import get_sync_client

pytestmark = pytest.mark.integration
PROGRAM = Path(__file__).parent / "programs" / "sdk"
QUESTION = {"question": "What is the population?"}
ONE = {"max_turns": 1}
APPROVE = {"approve": "look_up", **ONE}
WORDS = "It is so. <answer>42</answer>"


def wait(client: Any, given: Any, graph: str = "agentflow", **how: Any) -> tuple[str, Any]:
    """A run on a thread of its own, to its end or to its question."""
    thread = client.threads.create()["thread_id"]
    return thread, client.runs.wait(thread, graph, input=given, **how)


@pytest.mark.parametrize(
    ("decision", "answer", "effects"),
    [
        ({"type": "approve"}, "nobody knows", "New Harbor\n"),
        (
            {"type": "edit", "edited_action": {"name": "look_up", "args": {"query": "Old Harbor"}}},
            "4821",
            "Old Harbor\n",
        ),
        ({"type": "reject", "message": "not today"}, "unknown", ""),
        ({"type": "respond", "message": "population 9"}, "9", ""),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_person_decides(
    client: Any, home: Path, decision: dict[str, Any], answer: str, effects: str
) -> None:
    (home / "effects.txt").write_text("")
    thread, paused = wait(client, QUESTION, context=APPROVE)
    assert paused["__interrupt__"][0]["value"]["action_requests"][0]["name"] == "look_up"
    state = client.runs.wait(thread, "agentflow", command={"resume": {"decisions": [decision]}})
    assert (state["answer"], (home / "effects.txt").read_text()) == (answer, effects)


CALL = {"tool": "look_up", "arguments": {}, "status": "ok", "seconds": 0.0}


@pytest.mark.parametrize(
    ("following", "author", "edit", "came_to"),
    [
        ("planner", "begin", {"settings": {"max_turns": 1}}, ("nobody knows", "turns", 1)),
        ("planner", "begin", {"question": "Which town?"}, ("population 4821", "turns", 2)),
        (
            "executor",
            "planner",
            {"turns": [{"index": 1, "context": "Old Harbor"}]},
            ("4821", "verifier", 1),
        ),
        (
            "verifier",
            "executor",
            {"turns": [{"index": 1, "calls": [{**CALL, "result": "population 77"}]}]},
            ("77", "verifier", 1),
        ),
        (
            "generator",
            "verifier",
            {"turns": [{"index": 2, "calls": [{**CALL, "result": "population 78"}]}]},
            ("78", "verifier", 2),
        ),
    ],
    ids=["settings", "question", "plan", "result", "last result"],
)
def test_an_edit_at_every_checkpoint(
    client: Any, following: str, author: str, edit: Any, came_to: Any
) -> None:
    thread, state = wait(client, QUESTION, context={"max_turns": 2})
    assert (state["answer"], len(state["turns"])) == ("4821", 2)
    history = client.threads.get_history(thread, limit=20)
    first = [one for one in history if one["next"] == [following]][-1]
    edited = client.threads.update_state(
        thread, edit, checkpoint=first["checkpoint"], as_node=author
    )
    again = client.runs.wait(thread, "agentflow", input=None, checkpoint=edited["checkpoint"])
    assert (again["answer"], again["stopped_by"], len(again["turns"])) == came_to


def test_the_answer_is_streamed_once_and_progress_beside_it(client: Any) -> None:
    said: dict[str, str] = {}
    progress, values = [], {}
    given = {"messages": [{"role": "user", "content": "What is 6 * 7?"}]}
    modes = ["messages-tuple", "values", "custom"]
    thread = client.threads.create()["thread_id"]
    for part in client.runs.stream(thread, "coder", input=given, stream_mode=modes):
        assert part.event != "error", part.data
        if part.event == "messages":
            message, told = part.data
            key = f"{told['agentflow_module']} {message['id']}"
            said[key] = said.get(key, "") + message["content"]
        elif part.event == "custom":
            progress.append(part.data)
        elif part.event == "values":
            values = part.data
    _check_what_was_said(said, values["messages"][-1], progress)
    assert values["answer"] == "42"


def _check_what_was_said(said: dict[str, str], last: Any, progress: list[Any]) -> None:
    (written,) = (text for who, text in said.items() if who.startswith("generator"))
    assert (written, len(said), last["content"]) == (WORDS, 2, "42")
    assert [who for who in said if who.endswith(last["id"])] == [f"generator {last['id']}"]
    called = next(event for event in progress if event["type"] == "called")
    assert (called["tool"], list(called["arguments"].values())) == ("python_coder", ["6 * 7"])
    returned = next(event for event in progress if event["type"] == "returned")
    assert (returned["status"], returned["result"].strip()) == ("ok", "42")
    assert progress[-1]["answer"] == "42"


def test_threads_outlive_the_server_and_each_run_may_have_a_loop_of_its_own(
    tmp_path: Path,
) -> None:
    write_graphs(tmp_path)
    own = {"BG_JOB_ISOLATED_LOOPS": "true"}
    with dev_server(tmp_path, **own) as url, get_sync_client(url=url, api_key=None) as client:
        thread, paused = wait(client, QUESTION, context=APPROVE)
        assert "__interrupt__" in paused
        with ThreadPoolExecutor(3) as many:
            runs = [many.submit(wait, client, QUESTION, "coder", context=ONE) for _ in range(3)]
            assert [run.result()[1]["answer"] for run in runs] == ["42"] * 3
    with dev_server(tmp_path, **own) as url, get_sync_client(url=url, api_key=None) as client:
        state = client.runs.wait(thread, "agentflow", command={"resume": True})
        assert state["answer"] == "nobody knows"
        assert (tmp_path / "effects.txt").read_text() == "New Harbor\n"


@pytest.fixture(scope="module")
def javascript(javascript_runs: Callable[..., str], url: str) -> Any:
    """What the JavaScript program found."""
    return json.loads(javascript_runs((PROGRAM / "sdk.mjs").read_text(), url))


def test_javascript_asks_twice_on_a_thread(javascript: Any) -> None:
    assert javascript["answers"] == {
        "first": "4821",
        "second": "nobody knows",
        "asked": "And the population?",
        "types": ["ai", "human", "ai"],
    }


def test_javascript_streams(javascript: Any) -> None:
    found = javascript["streams"]
    said = {who.replace("|", " "): text for who, text in found["said"].items()}
    _check_what_was_said(said, found["last"], found["progress"])
    assert found["answer"] == "42"


def test_javascript_decides(javascript: Any) -> None:
    for name in ("approved", "edited", "rejected"):
        asked = javascript[name]["asked"]
        assert (asked["name"], asked["args"]) == ("look_up", {"query": "New Harbor"})
    assert javascript["approved"]["answer"] == "nobody knows"
    assert javascript["edited"]["answer"] == "4821"
    assert javascript["edited"]["call"]["arguments"] == {"query": "Old Harbor"}
    assert "a person refused this call (not today)" in javascript["rejected"]["call"]["result"]


def test_javascript_edits_and_is_told_what_is_wrong(javascript: Any) -> None:
    assert javascript["edits"] == {"answer": "4821", "contexts": ["Old Harbor"]}
    assert "the question is empty" in javascript["refused"]

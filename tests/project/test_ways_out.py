"""Nothing that a command prints or writes holds a planted secret or drives a terminal.

A real server quotes the key that it was sent, in its errors and in its replies, in several forms
and beside control characters. Then everything is read: both streams, and each file of the run.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from leaking import FORMS, HOSTILE, RAW, SECRET, Leaking
from training_runs import finished

from agentflow_graph import Context, build_graph, graph
from agentflow_graph.errors import SettingError
from agentflow_graph.record import read
from rl.run.report import write_report
from tools.catalog.catalog import load
from tools.outcomes.encodings import decoded

ROOT = Path(__file__).parents[2]
QUESTION = "What is the population of Old Harbor?"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VLLM_API_KEY", SECRET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=False)


def leaks(text: str) -> list[str]:
    """The forms of the secret in a text, and in what its escapes stand for."""
    found: list[str] = []
    for _ in range(4):
        found += [form for form in FORMS if form in text]
        plain = decoded(text)
        text = plain.text if plain else ""
    return found


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file with its text; a log of inspect's as the text that it holds."""
    for path in folder.rglob("*"):
        if path.suffix == ".eval":
            yield str(path), read_eval_log(str(path)).model_dump_json()
        elif path.is_file():
            yield str(path), path.read_bytes().decode(errors="replace")


def hold(done: subprocess.CompletedProcess[bytes], folder: Path | None = None) -> str:
    """Assert that nothing leaked; returns what was printed."""
    printed = done.stdout.decode() + done.stderr.decode()
    assert "Traceback" not in printed, printed
    assert leaks(printed) == []
    assert [sign for sign in RAW if sign in printed] == []
    for name, text in files(folder) if folder else ():
        assert leaks(text) == [], name
        if name.endswith((".html", ".md")):
            assert [sign for sign in RAW if sign in text] == [], name
    return printed


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["refuses", "answers"])
def test_a_question_its_record_and_its_replay(kind: str, tmp_path: Path) -> None:
    with Leaking(kind) as server:
        words = [f"--set={name}={server.model}" for name in ("planner", "generator", "verifier")]
        words += ["--set=max_turns=1", "--set=tools=wikipedia_search", "--set=repairs=0"]
        record = tmp_path / "record"
        done = run("agentflow_graph", QUESTION, *words, "--record", str(record))
        assert f"Bearer {SECRET}" in server.asked[0].headers.values()
        as_json = run("agentflow_graph", QUESTION, *words, "--json")
    printed = hold(done, record)
    assert "[hidden]" in printed
    assert "\\x1b]0;PWNED\\x07" in printed
    assert "\\u009b2J" in printed
    hold(as_json)
    state = json.loads(as_json.stdout)
    assert "[hidden]" in (state["error"] if kind == "refuses" else state["answer"])
    assert any("[hidden]" in text for _, text in files(record))
    replayed = run("agentflow_graph", "replay", str(record))
    assert "differ: 0" in hold(replayed)
    assert json.loads(run("agentflow_graph", "replay", str(record), "--json").stdout)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["refuses", "answers"])
async def test_a_state_in_a_program_of_anybody(kind: str, tmp_path: Path) -> None:
    with Leaking(kind) as server:
        context = Context(planner=server.model, generator=server.model, max_turns=1)
        agent = build_graph(record=tmp_path)
        state: Any = await agent.ainvoke({"question": QUESTION}, context=context)
    assert leaks(repr(state)) == []
    assert "[hidden]" in repr(state)
    if kind == "answers":  # data keeps what a program may want to see
        assert "\x1b]0;PWNED" in state["answer"]
    (recorded,) = read(tmp_path).values()
    assert recorded.state is not None
    assert leaks(json.dumps(recorded.state)) == []


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["refuses", "answers"])
def test_a_benchmark_and_its_report(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with Leaking(kind) as server:
        judged = ("--judge", server.model, "--as-is")
        words = ("almanac", "--run", str(folder), "--limit", "2", *judged)
        modules = [f"--set={name}={server.model}" for name in ("planner", "generator")]
        done = run("benchmarks", "run", *words, *modules, "--set=max_turns=1")
    hold(done, folder)
    if kind == "answers":
        report = run("benchmarks", "report", str(folder))
        assert report.returncode == 0
        hold(report, folder)
        assert "[hidden]" in (folder / "report.html").read_text("utf-8")
        assert "\\x1b]0;PWNED\\x07" in (folder / "report.html").read_text("utf-8")
        assert json.loads((folder / "report.json").read_text("utf-8"))


@pytest.mark.integration
def test_tools_and_their_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Leaking("refuses") as server:
        url = server.url.replace("http://", "http://joe:pa55word-4738@")
        monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND", "kiwix")
        monkeypatch.setenv("AGENTFLOW_WIKIPEDIA_SEARCH_URL", url)
        monkeypatch.setenv("AGENTFLOW_WEB_SEARCH_URL", server.url)
        monkeypatch.setenv("TAVILY_API_KEY", SECRET)
        checked = run("tools", "check", "wikipedia_search", "web_search", "--live")
        called = run("tools", "run", "web_search", '{"query": "Old Harbor"}')
        listed = run("tools", "check", f"mcp:{server.url}/{SECRET}", f"mcp:{url}/mcp")
        assert server.asked
    for done in (checked, called, listed):
        assert done.returncode == 1
        assert "pa55word" not in hold(done, tmp_path)
    assert "has a user or a password in its address" in listed.stdout.decode()
    assert "[hidden]" in json.loads(called.stdout)["text"]


SERVER = """
import sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("leaking")
@server.tool()
def leak(query: str) -> str:
    "Leaks."
    raise ValueError({text!r} if query == "fail" else query)
@server.tool()
def say(query: str) -> str:
    "Says it."
    return {text!r}
server.run("stdio")
"""


@pytest.mark.integration
@pytest.mark.parametrize("name", ["leak", "say"])
async def test_an_mcp_server(name: str, tmp_path: Path, capfd: Any) -> None:
    program, config = tmp_path / "server.py", tmp_path / "servers.json"
    own = "own-k3y-of-this-server"
    program.write_text(SERVER.format(text=f"{HOSTILE} {' '.join(FORMS)} {own}"))
    entry = {"command": sys.executable, "args": [str(program)], "env": {"ITS_TOKEN": own}}
    config.write_text(json.dumps({"mcpServers": {"leaking": entry}}))
    (tool,) = await asyncio.to_thread(load, [f"mcp:{config}#{name}"])
    text, result = await tool._arun(query="fail")
    assert leaks(text) == [] and own not in text
    assert [sign for sign in RAW if sign in text] == []
    assert result["text"] == text
    assert "[hidden]" in text or name == "leak"  # which the server's SDK does not tell us
    said = capfd.readouterr().err  # its own log comes to our standard error
    assert leaks(said) == [] and own not in said
    assert [sign for sign in RAW if sign in said] == []


@pytest.mark.parametrize(
    "setting",
    [
        {"planner": "vllm:m@http://user:pa55PLANTED@127.0.0.1:1"},
        {"planner": "vllm:m@http://user:pa55@PLANTED@127.0.0.1:1"},
        {"generator": "policy:/x@http://user:pa55PLANTED@127.0.0.1:1"},
        {"tools": "mcp:http://user:pa55PLANTED@127.0.0.1:1/mcp"},
    ],
)
async def test_a_password_in_an_address_is_refused_and_not_said(setting: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="has a user or a password in its address") as refused:
        await graph.ainvoke({"question": "x"}, context=setting)  # type: ignore[arg-type]
    assert "PLANTED" not in str(refused.value)
    assert "[hidden]@127.0.0.1:1" in str(refused.value)


def test_a_training_run_that_failed_and_its_page(tmp_path: Path) -> None:
    page = write_report(finished(tmp_path / "run", f"{HOSTILE} {' '.join(FORMS)}"))
    text = page.read_text("utf-8")
    assert leaks(text) == []
    assert [sign for sign in RAW if sign in text] == []
    assert "[hidden]" in text


@pytest.mark.integration
def test_a_dry_run_of_a_training(tmp_path: Path) -> None:
    with Leaking("refuses") as server:
        words = ("--config", "rl/configs/nano.yaml", "--dry-run", f"run={tmp_path / 'run'}")
        agent = (f"agent.generator={server.model}", f"agent.tools={SECRET}")
        done = run("rl", "train", *words, *agent)
        assert server.asked
    printed = hold(done)
    assert done.returncode == 2
    assert "[hidden]" in printed

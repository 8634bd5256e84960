"""Each example runs as a person runs it, without a key, and gives the right answer."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from launched import ROOT, environment, run_program, start_program

EXAMPLES = ROOT / "examples"
SHORT = sorted(path for folder in ("apps", "own") for path in (EXAMPLES / folder).glob("*.py"))
PRINTED = {
    "apps/lcel_chain.py": ["Anton Ferro (turns: 1, verifier)"] * 2
    + ["Maya Holt (turns: 1, verifier)"],
    "apps/subgraph.py": ["Dear Anton Ferro,"],
    "apps/supervisor.py": ["agentflow Anton Ferro"],
    "apps/tool_of_create_agent.py": [
        "human: What is the population of New Bridge?",
        "ai: {'question': 'What is the population of New Bridge?'}",
        "tool: 2534",
        "ai: According to archipelago: 2534",
    ],
    "own/mcp_tools.py": ["50"],
    "own/own_tool.py": [
        "1 ok no weather of 'the old harbor'; known are Old Harbor, New Hill",
        "2 ok Old Harbor: the temperature is 11, and it rains",
        "11 stopped by verifier",
    ],
}
"""By example all that it prints; those that serve, train or measure have tests of their own."""


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_it_is_run(path: Path) -> None:
    text = path.read_text()
    told = ast.get_docstring(ast.parse(text)) or ""
    name = str(path.relative_to(ROOT))
    assert f"\n    python {name}" in told
    code = text.split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) < 40
    listed = (EXAMPLES / "README.md").read_text()
    assert f"({path.relative_to(EXAMPLES)})" in listed


def test_the_list_names_nothing_else() -> None:
    listed = re.findall(r"\]\(([\w/]+\.py)\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == sorted(
        str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.py")
    )


@pytest.mark.integration
def test_examples_print_the_right_answer() -> None:
    """All at once: most of their time is imports."""
    words = {"cwd": ROOT, "env": environment(), "text": True, "stdout": -1, "stderr": -1}
    started = {
        name: subprocess.Popen([sys.executable, f"examples/{name}"], **words)  # type: ignore[call-overload]
        for name in PRINTED
    }
    found = {name: one.communicate(timeout=240) for name, one in started.items()}
    errors = "\n".join(error for _, error in found.values())
    assert {name: out.splitlines() for name, (out, _) in found.items()} == PRINTED, errors


@contextmanager
def serving(name: str, tmp_path: Path, seconds: float = 120) -> Iterator[str]:
    """An example that serves, on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "served.log"
    served = start_program(f"examples/{name}", str(port), output=log)
    try:
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert served.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(timeout=30)


@pytest.mark.integration
@pytest.mark.enable_socket
def test_an_endpoint_streams_the_run(tmp_path: Path) -> None:
    with serving("apps/fastapi_streaming.py", tmp_path) as url:
        asked = {"question": "Who is the mayor of New Bridge?"}
        text = httpx.get(f"{url}/ask", params=asked, timeout=120).text
        nothing = httpx.get(f"{url}/ask", params={"question": " "}, timeout=60).text
    kinds = re.findall(r"^event: (\w+)$", text, re.MULTILINE)
    assert kinds[:2] == ["began", "planned"] and kinds[-1] == "answered"
    assert json.loads(text.rpartition("data: ")[2])["answer"] == "Anton Ferro"
    assert nothing.startswith("event: error\n") and "the question is empty" in nothing


@pytest.mark.integration
@pytest.mark.enable_socket
def test_a_person_decides_in_a_form(tmp_path: Path) -> None:
    with serving("apps/approval_form.py", tmp_path) as url:

        def post(**form: str) -> str:
            return httpx.post(url, data=form, timeout=120).text

        assert "name=question" in httpx.get(url, timeout=60).text
        asked = {"question": "Who is the mayor of New Bridge?"}
        waiting = post(**asked)
        assert "wikipedia_search {&#x27;query&#x27;: &#x27;New Bridge&#x27;}" in waiting
        (thread,) = re.findall(r"name=thread value=([\w-]+)", waiting)
        assert post(thread=thread, said="approve").startswith("<p>Anton Ferro</p>")
        (other,) = re.findall(r"name=thread value=([\w-]+)", post(**asked))
        assert other != thread
        assert "Anton Ferro" not in post(thread=other, said="reject")


@pytest.mark.integration
@pytest.mark.enable_socket
def test_a_server_and_a_benchmark_of_ones_own(tmp_path: Path) -> None:
    run, tried = ("examples/own/own_benchmark.py", "run", "islands", "--run"), str(tmp_path / "run")
    with serving("own/own_server.py", tmp_path) as url:
        done = run_program(*run, tried, "--model", f"vllm:mine@{url}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "islands: 1 of 3 right (33.3 %)" in done.stdout, "it always answers 42"
    hint = f"report: python {run[0]} report {tried}"
    assert hint in done.stdout, "the command that knows this benchmark"
    report = run_program(*hint.split()[2:])
    assert "33.3 %" in report.stdout, report.stderr
    again = run_program(*run, tried)
    assert f"continue it with `python {run[0]} resume {tried}`" in again.stderr
    stranger = run_program("-m", "benchmarks", "report", tried)
    assert stranger.returncode == 2
    assert "error: no task 'islands'" in stranger.stderr
    assert "usage: python examples/own/own_benchmark.py" in run_program(run[0]).stderr
    assert "one of your own to the program that registers it" in stranger.stderr


@pytest.mark.integration
def test_training_on_ones_own_questions(tmp_path: Path) -> None:
    done = run_program("examples/own/train_own.py", str(tmp_path / "run"), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [entry for entry in map(json.loads, lines) if entry["kind"] == "step"]
    assert len(steps) == 2
    assert 0.5 < steps[0]["reward"] < 1, "some took a turn more, so no rule gave the reward"
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert str(ROOT / "agentflow_graph" / "models" / "nano") in config
    assert os.path.getsize(tmp_path / "run" / "model" / "model.safetensors") > 500_000

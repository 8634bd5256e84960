"""`langgraph dev` as a developer starts it, blockbuster on, and graphs for it without a model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
GRAPHS = '''
import time
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from agentflow_graph import build_graph

class Planner(BaseChatModel):
    _llm_type = "scripted"
    async def _agenerate(self, messages, *_, **__):
        context = "Old Harbor" if "nobody" in messages[-1].text else "New Harbor"
        context = "block" if "Blocking" in messages[-1].text else context
        text = f"Context: {context}\\nSub-Goal: find the facts\\nTool Name: look_up"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])
    def _generate(self, *_, **__):
        raise AssertionError

class Coder(Planner):
    async def _agenerate(self, messages, *_, **__):
        text = "Context: 6 * 7\\nSub-Goal: compute\\nTool Name: python_coder"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

class Writer(Planner):
    async def _agenerate(self, messages, *_, **__):
        raise AssertionError("it is streamed")
    async def _astream(self, messages, *_, **__):
        found = "42" if "Result: 42" in messages[-1].text else "nothing"
        for word in ("It is ", "so. ", f"<answer>{found}</answer>"):
            yield ChatGenerationChunk(message=AIMessageChunk(word))

@tool
async def look_up(query: str) -> str:
    """Look something up."""
    if query == "block":
        time.sleep(0.01)
    with open("effects.txt", "a") as log:
        log.write(query + "\\n")
    return "population 4821" if query == "Old Harbor" else "nobody knows"

@tool("look_up")
def hang(query: str) -> str:
    """Hang."""
    time.sleep(20)
    return "late"

graph = build_graph({"planner": Planner()}, [look_up])
named = build_graph({"planner": Planner()})
hangs = build_graph({"planner": Planner()}, [hang])
coder = build_graph({"planner": Coder(), "generator": Writer()})
'''


def write_graphs(folder: Path) -> None:
    """Graphs for a server: `agentflow` looks up, `coder` runs programs and writes.

    `named` has the tools that its settings name, and the tool of `hangs` does.
    """
    (folder / "scripted.py").write_text(GRAPHS)
    names = {"agentflow": "graph", "coder": "coder", "named": "named", "hangs": "hangs"}
    graphs = {name: f"./scripted.py:{graph}" for name, graph in names.items()}
    (folder / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": graphs}))


@contextmanager
def dev_server(folder: Path, **environment: str) -> Iterator[str]:
    """`langgraph dev` in `folder`; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"LANGGRAPH_NO_VERSION_CHECK": "1", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    options = ["--no-browser", "--no-reload", "--port", str(port), "--n-jobs-per-worker", "4"]
    with (folder / "server.log").open("a") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "langgraph_cli", "dev", *options],
            cwd=folder,
            env={**os.environ, **quiet, "PYTHONPATH": str(ROOT), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"http://127.0.0.1:{port}", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ok", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"langgraph dev did not start:\n{log.read_text()[-3000:]}")

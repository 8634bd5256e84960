"""Where a run's numbers come from: enough to repeat it, and to see what has changed since.

    told = provenance(context, resources, served, sources, items)

Keys of `provenance` in run.json: `date` (UTC), `version`, `commit` (of the project's own checkout;
`-changed` behind it where files differ from it), `data` by task (source, origin, revision, SHA-256
of the file, digest of the items), `effective` (every setting that counts; one that items bring and
that is not the same for all by task, and within a task by value with how many items have it),
`models` by module (name, sampling and `served`, what the server calls it, or `not asked`), `tools`
by name (its backend), `prompts` by file (SHA-256). Of a plain call what never runs is left out.
"""

from __future__ import annotations

import hashlib
import inspect
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
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
PLAIN = ("generator", "outputs", "max_seconds", "max_tokens", "max_money", "reply_tokens", "seed")
"""Settings that a plain call goes by: no planner asks, no tool is called, no turn is made."""
SHOWN = 80
"""Most characters of a value that a warning tells."""
SECONDS = 10
"""Most seconds that git may take."""


def provenance(
    context: Context,
    resources: Resources,
    served: Mapping[str, str],
    data: Mapping[str, Mapping[str, str]],
    contexts: Mapping[str, Counter[Context]],
) -> dict[str, Any]:
    """What is told of a run, as plain data; the keys are those of the module's docstring.

    `contexts`: by task the settings that its items run with, and how many do.
    """
    plain = context.output_names == ("base",)
    asked = {n: told for n, told in resources.requests.items() if n == "generator" or not plain}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": versions()["agentflow-graph"],
        "commit": commit(),
        "data": {task: dict(told) for task, told in data.items()},
        "effective": effective(context, resources.layout, contexts),
        "models": {n: {**told, "served": served.get(n, "")} for n, told in asked.items()},
        "judge": served.get("judge", ""),
        "tools": {name: backend(name, context) for name in resources.tools if not plain},
        "prompts": {name: digest(module) for name, module in PROMPTS.items()},
    }


def effective(
    context: Context, layout: str, contexts: Mapping[str, Counter[Context]]
) -> dict[str, Any]:
    """Every setting that counts, with those that the items bring in the place of the run's."""
    names = PLAIN if context.output_names == ("base",) else tuple(Context.model_fields)
    told = {name: _of(name, context, contexts) for name in names}
    return told | ({"layout": layout} if "layout" in names else {})


def _of(name: str, context: Context, contexts: Mapping[str, Counter[Context]]) -> Any:
    """A setting's value; where not all items have the same, by task."""
    by_task = {task: _counted(name, own) for task, own in contexts.items()}
    values = {value for own in by_task.values() for value in own}
    if len(values) <= 1:
        return next(iter(values), getattr(context, name))
    return {task: _told(own) for task, own in by_task.items()}


def _counted(name: str, contexts: Counter[Context]) -> Counter[Any]:
    found = Counter[Any]()
    for each, items in contexts.items():
        found[getattr(each, name)] += items
    return found


def _told(values: Counter[Any]) -> Any:
    if len(values) == 1:
        return next(iter(values))
    return {str(value): f"{n} item{'s' * (n > 1)}" for value, n in values.items()}


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
    """What a run that is repeated does not share with the first one, but for the date.

    Each value by the names that lead to it; what the first run did not note at all is no change.
    """
    known = {name: value for name, value in now.items() if name in before}
    then, today = (dict(_leaves("", told)) for told in (before, known))
    names = [name for name in dict.fromkeys((*then, *today)) if name != "date"]
    return [
        f"{name}: {_short(then.get(name))} is now {_short(today.get(name))}"
        for name in names
        if then.get(name) != today.get(name)
    ]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Each value that is no mapping, with the names that lead to it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{path} {name}".strip(), inner)
    else:
        yield path, value


def _short(value: Any) -> str:
    text = "nothing" if value in ("", None) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

"""Which tools and backends work here, and what to do about those that do not.

    async for finding in findings(Settings()):
        print(finding.render(width=32))      # ok      python_coder auto *    ready

Without `live` nothing leaves the machine: settings, keys, files and, by the canaries, the sandbox
are looked at. With it each backend gets one real call, past the cache. A star stands behind the
backend in use. It has failed where it is not ready; another one is only warned of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from tools.catalog import plugins
from tools.catalog.catalog import NAMES
from tools.catalog.makers import KEYLESS, Maker, init_chat_model
from tools.catalog.settings import Settings, SettingsError, ToolSettings
from tools.outcomes.finding import Finding, failure, ok, warning
from tools.outcomes.outside import shown
from tools.outcomes.result import shorten
from tools.outcomes.threads import in_thread

SECONDS = 5.0
"""Most seconds of one check."""
BACKENDS: dict[str, tuple[str, ...]] = {
    "base_generator": ("",),
    "python_coder": ("auto", "bubblewrap", "landlock"),
    "wikipedia_search": ("corpus", "mediawiki", "kiwix", "retrieval"),
    "web_search": ("tavily", KEYLESS),
    "google_search": ("gemini", "serper"),
}
"""Backends that are checked, the default one first, and then the one that settings name."""
LIVE: dict[str, dict[str, Any]] = {
    "base_generator": {"query": "Answer with the word ready."},
    "python_coder": {"code": "6 * 7"},
    "wikipedia_search": {"query": "town"},
    "web_search": {"query": "weather"},
    "google_search": {"query": "weather"},
}


async def findings(
    settings: Settings, names: Sequence[str] = NAMES, live: bool = False
) -> AsyncIterator[Finding]:
    """One a backend of our tools and one a name of others' tools, as they come.

    Raises:
        SettingsError: a setting cannot be used.
    """
    for name in names:
        if name not in NAMES:
            yield await _foreign(name, settings)
            continue
        own = settings.of(name)
        for backend in dict.fromkeys((*BACKENDS[name], own.backend or BACKENDS[name][0])):
            yield await _ours(name, backend, own, live)


async def _ours(name: str, backend: str, own: ToolSettings, live: bool) -> Finding:
    chosen = backend == (own.backend or BACKENDS[name][0])
    # The cache would answer for a service that is gone; `url` is the address of the chosen one.
    tried = replace(own, backend=backend, cache="off", url=own.url if chosen else "")
    try:
        async with asyncio.timeout(SECONDS):
            problem = await _problem(name, tried, live)
    except TimeoutError:
        problem = f"no answer in {SECONDS:g} s: is the service up and the address right?"
    except SettingsError as fault:
        problem = str(fault)
    except Exception as fault:
        problem = f"{type(fault).__name__}: {fault}"
    part = " ".join(filter(None, (name, backend, "*" if chosen and backend else "")))
    if not problem:
        return ok(part, "ready")
    return (failure if chosen else warning)(part, shorten(problem, 500))


async def _problem(name: str, own: ToolSettings, live: bool) -> str:
    # In a thread: a model's client takes a second to import, and the clock must be able to run out.
    tool = await in_thread(Maker(Settings(), init_chat_model).make, name, own)
    problem = await tool.missing()
    if problem or not live:
        return problem
    _, result = await tool._arun(**LIVE[name])
    return "" if result["status"] == "ok" else f"{result['status']}: {result['text']}"


async def _foreign(name: str, settings: Settings) -> Finding:
    try:
        found = await in_thread(plugins.find, name, NAMES, settings)
    except ValueError as fault:
        return failure(name, shown(str(fault)))
    return ok(name, f"ready: {', '.join(tool.name for tool in found)}")

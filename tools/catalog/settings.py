"""What a tool is set to: its backend, model, limits and cache, from a file or the environment.

    [wikipedia_search]                  # tools.toml; AGENTFLOW_TOOLS names it
    backend = "kiwix"
    url = "http://127.0.0.1:8080"
    rate = 50

    AGENTFLOW_WIKIPEDIA_SEARCH_BACKEND=mediawiki        # the same in the environment

Of several sources the nearest wins: what the caller passes, then the environment, then the file,
then the tool's default. Keys are no settings: they stay in the variables of their services
(TAVILY_API_KEY, GEMINI_API_KEY, SERPER_API_KEY), so that a settings file can be shown to anybody.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from tools.outcomes.files import Unreadable, text_of
from tools.outcomes.outside import ShownError
from tools.outcomes.result import shorten
from tools.outcomes.secrets import keep_address

FILE_VARIABLE = "AGENTFLOW_TOOLS"
Tables = Mapping[str, Mapping[str, object]]
"""Settings by the name of the tool, then by the name of the setting."""


class SettingsError(ShownError, ValueError):
    """A setting cannot be used; the message names the tool, the setting, its value and the remedy.

    It is a ValueError, as the agent expects of `tools.catalog.catalog.load`.
    """


@dataclass(frozen=True)
class ToolSettings:
    """Settings of one tool; an empty text or a zero means the tool's default."""

    backend: str = ""
    """Which of the tool's backends; an unknown name is answered with those known."""
    url: str = ""
    """Address of the backend's service."""
    language: str = ""
    """Which Wikipedia, as the first part of its address: en, de, ..."""
    contact: str = ""
    """Mail address or page of the person who runs the program, for the User-Agent."""
    book: str = ""
    """Archive on a kiwix-serve that has several."""
    corpus: str = ""
    """File of articles."""
    model: str = ""
    """Model of the tool's own, as PROVIDER:MODEL."""
    embeddings: str = ""
    """What ranks the parts of a page, as MODEL@URL; without it BM25 does."""
    timeout: float = 0.0
    """Seconds of one call, with all its retries."""
    rate: float = 0.0
    """Calls per second to the backend's service."""
    attempts: int = 0
    """Calls made at most for one answer."""
    cache: str = ""
    """Folder that keeps answers; `off` keeps none."""
    cache_hours: float = 0.0
    """Hours for which a kept answer is used."""

    @property
    def limits(self) -> dict[str, Any]:
        """What `dataclasses.replace` changes in the `Service` of a backend."""
        chosen = {"rate": self.rate, "attempts": self.attempts}
        return {name: value for name, value in chosen.items() if value}

    def folder(self, usual: Path | None) -> Path | None:
        """Where answers are kept, `usual` unless the setting says otherwise; None: nowhere."""
        if not self.cache:
            return usual
        return None if self.cache == "off" else Path(self.cache)


_REMOTE = ("timeout", "rate", "attempts", "cache", "cache_hours")
FOR = {
    "base_generator": ("model", "timeout"),
    "python_coder": ("backend", "model", "timeout"),
    "wikipedia_search": ("backend", "url", "language", "contact", "book", "corpus", *_REMOTE),
    "web_search": ("backend", "url", "model", "embeddings", *_REMOTE),
    "google_search": ("backend", "url", "model", *_REMOTE),
}
"""The settings that each tool of ours has."""
FOREIGN = ("timeout",)
"""Those of a tool from an MCP server; other tools that are not ours have none."""


class Settings:
    """Settings of every tool, out of a file, the environment and what the caller gives.

    Args:
        given: settings that win over the environment and the file.
        file: a TOML file with one table a tool; empty for AGENTFLOW_TOOLS, or no file.

    Raises:
        SettingsError: the file cannot be read, or holds something else than tables.
    """

    def __init__(self, given: Tables | None = None, file: str | Path = "") -> None:
        path = file or os.environ.get(FILE_VARIABLE)
        self._file = _tables(Path(path)) if path else {}
        self._given = given or {}

    @property
    def tools(self) -> set[str]:
        """Names of the tools that the file or the caller says something about."""
        return {*self._file, *self._given}

    def of(self, tool: str) -> ToolSettings:
        """Settings of one tool.

        Raises:
            SettingsError: one of them is unknown, of the wrong kind, or not for this tool.
        """
        settings = ToolSettings()
        for table in (self._file.get(tool, {}), _environment(tool), self._given.get(tool, {})):
            values = {name: _value(tool, name, value) for name, value in table.items()}
            settings = replace(settings, **values)
        return settings


def _value(tool: str, name: str, value: object) -> Any:
    allowed = FOR.get(tool, FOREIGN)
    if name not in allowed:
        near = get_close_matches(name, allowed, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"{tool} has no setting {name!r}{guess} Known: {', '.join(allowed)}")
    kind = _kinds()[name]
    if kind is str and isinstance(value, str):
        keep_address(value)
        return value
    if kind is not str and isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = kind(value)
        except (ValueError, OverflowError):
            number = -1
        if 0 <= number < float("inf") and (isinstance(value, str) or number == value):
            return number
    wanted = {str: "a text", float: "a number from 0", int: "a whole number from 0"}[kind]
    shown = shorten(_shown(value), 200)
    raise SettingsError(f"{tool}.{name} = {shown} cannot be used: it must be {wanted}")


def _shown(value: object) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return f"a {type(value).__name__} too long to show"


def _environment(tool: str) -> dict[str, str]:
    names = {name: f"AGENTFLOW_{tool}_{name}".upper() for name in FOR.get(tool, FOREIGN)}
    return {name: os.environ[key] for name, key in names.items() if os.environ.get(key)}


@cache
def _kinds() -> dict[str, type]:
    hints = get_type_hints(ToolSettings)
    return {field.name: hints[field.name] for field in fields(ToolSettings)}


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(text_of(path))
    except Unreadable as fault:
        raise SettingsError(
            f"cannot read the tools file {path} ({fault}): name a TOML file"
        ) from fault
    except (ValueError, RecursionError) as fault:
        why = "nested too deep" if isinstance(fault, RecursionError) else fault
        raise SettingsError(f"the tools file {path} is no TOML ({why}): mend it") from None
    for tool, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {tool} is no table: write [TOOL] above its settings")
    return tables

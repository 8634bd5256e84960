"""What a caller over HTTP may set, field by field; all else is the operator's.

    AGENTFLOW_SERVER=server.toml make studio

    [defaults]                      # what a run takes where its caller says nothing
    planner = "openai:gpt-5-mini"
    approve = "python_coder"

    [most]                          # bounds of what a caller may ask for
    max_turns = 20

    [allow]                         # what a caller may name; nothing by default
    models = ["openai:gpt-5-mini", "vllm:*@http://127.0.0.1:8001/v1"]
    tools = ["web_search"]

    [http]
    hosts = ["agent.example.org"]
    origins = ["https://chat.example.org"]

Harmless are rules, the planner that ships and the tools without a key. A field that this file does
not know is refused. Model of trust: docs/security.md.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from agentflow_graph.context import Context, is_rule, listed
from agentflow_graph.errors import SettingError, closest

VARIABLE = "AGENTFLOW_SERVER"

FREE = frozenset({"outputs", "layout", "structured", "seed", "streamed", "temperature"})
"""Fields that a caller sets as it likes."""
MOST: dict[str, float] = {
    "max_turns": 30,
    "max_seconds": 900,
    "max_tokens": 1_000_000,
    "max_money": 100,
    "memory_tokens": 32_768,
    "reply_tokens": 8_192,
    "tool_seconds": 300,
    "repairs": 5,
    "passages": 20,
    "conversation": 50,
}
"""Fields that a caller sets up to a bound, and the bounds where the operator gives none."""
MODELS = frozenset({"planner", "executor", "verifier", "generator", "analysis", "tool_model"})
SHIPPED = frozenset({"", "almanac", "almanac-hard", "almanac-hard-clean"})
"""Articles that come with the package; any other name would be a file of this machine."""
HARMLESS_TOOLS = frozenset({"default", "base_generator", "python_coder", "wikipedia_search"})


class _Allow(BaseModel, extra="forbid"):
    models: list[str] = []
    tools: list[str] = []


class _Http(BaseModel, extra="forbid"):
    hosts: list[str] = []
    origins: list[str] = []


class Operator(BaseModel, extra="forbid"):
    """What the operator decided; by default nothing but what is harmless is allowed."""

    defaults: dict[str, Any] = {}
    most: dict[str, float] = {}
    allow: _Allow = Field(default_factory=_Allow)
    http: _Http = Field(default_factory=_Http)

    @classmethod
    def of_environment(cls) -> "Operator":
        """From the file that AGENTFLOW_SERVER names; without it, the defaults.

        Raises:
            SettingError: the file cannot be read, or says what cannot be.
        """
        path = os.environ.get(VARIABLE, "")
        return cls.read(Path(path)) if path else cls()

    @classmethod
    def read(cls, path: Path) -> "Operator":
        """From a TOML file; raises SettingError."""
        try:
            operator = cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"]))
            raise SettingError(f"{VARIABLE}={path}: {where}: {fault['msg'].lower()}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise SettingError(
                f"{VARIABLE}={path} cannot be read ({type(error).__name__}: {error}); name a TOML "
                "file, see docs/security.md"
            ) from error
        for name in operator.most:
            if name not in MOST:
                raise SettingError(
                    f"{VARIABLE}={path}: most.{name}{closest(name, MOST)} is no bounded setting"
                )
        Context(**operator.defaults)
        return operator

    def settled(self, given: object) -> Context:
        """The settings of a run whose caller gave `given`.

        Raises:
            SettingError: naming what a caller may not set, and what the operator can do.
        """
        asked = Context.given(given)
        named = {name: getattr(asked, name) for name in asked.model_fields_set}
        context = Context(**{**self.defaults, **named})
        self.check(context)
        return context

    def check(self, context: Context) -> None:
        """Whether a run may go by these settings; raises SettingError."""
        base = Context(**self.defaults)
        for name in Context.model_fields:
            value, own = getattr(context, name), getattr(base, name)
            if value != own and (why := self._refusal(name, value, own)):
                raise SettingError(
                    f"{name}={value!r} cannot be set over HTTP: {why} (server.toml, {VARIABLE})"
                )

    def _refusal(self, name: str, value: Any, own: Any) -> str:
        """Why a caller may not set this; empty if it may."""
        if name in FREE:
            return ""
        if name in MODELS:
            harmless = value in ("nano", "off", "") or is_rule(name, value)
            known = harmless or _matches(value, self.allow.models)
            return "" if known else "the operator allows models in [allow] models"
        if name in MOST:
            most = self.most.get(name, MOST[name])
            loosens = name in ("max_tokens", "max_money") and not value and own
            return f"at most {most:g}, see [most]" if value > most or loosens else ""
        if name == "corpus" and value in SHIPPED:
            return ""
        if name == "tools":
            return self._refused_tools(value, own)
        if name == "approve":
            return "" if _asks_for(value, own) else f"the operator asks for approval of {own!r}"
        return "it is the operator's alone, in [defaults]"

    def _refused_tools(self, value: str, own: str) -> str:
        usual = HARMLESS_TOOLS | set(listed(own))
        refused = [
            name
            for name in listed(value)
            if name not in usual and not _matches(name, self.allow.tools)
        ]
        return f"the operator allows {', '.join(refused)} in [allow] tools" if refused else ""


def _asks_for(asked: str, least: str) -> bool:
    """Whether approval of `asked` includes that of `least`."""
    return "all" in listed(asked) or set(listed(least)) <= set(listed(asked))


def _matches(value: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern is the value; `*` stands for a name and spans no address or parameter.

    Else `vllm:*@http://own/v1` would let `vllm:x@http://other/@http://own/v1` in, and `openai:*`
    a model with the caller's own timeout and retries.
    """
    return any(
        re.fullmatch(r"[^@?\s]*".join(map(re.escape, pattern.split("*"))), value)
        for pattern in patterns
    )

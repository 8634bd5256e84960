"""What a model string says behind its `?`: parameters of this one use of a model.

    openai:gpt-5-mini?reasoning_effort=low&timeout=60
    vllm:Qwen/Qwen3-8B@http://host:8000?temperature=0.6&chat_template_kwargs.enable_thinking=false

A value is read as JSON where it is JSON, else as text; dots make objects. What has no meaning of
its own here is sent to the provider with each request. A client's own settings (address, key,
headers) are not among them: those belong to the environment.
"""

import json
import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast
from urllib.parse import unquote

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.models.providers.table import STRUCTURED

HOUR = 3600.0
"""Seconds a request may take by default: a run's own clock is shorter."""
_FORBIDDEN = re.compile(
    r"(?:^|_)(?:api_?keys?|keys?|token|secret|password|headers?|base|url|uri|endpoint|host|proxy|proxies"
    r"|clients?|callbacks?|organization|credentials?|verify|file|path|class|model)$",
    re.IGNORECASE,
)
_INNER = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")


@dataclass(frozen=True)
class Options:
    """Parameters of one model string."""

    temperature: float | Literal["none"] | None = None
    """None: the module's; "none": not sent."""
    max_tokens: int | None = None
    """Most tokens of a reply; None: the module's."""
    limit: str = ""
    """What requests call `max_tokens`; "none": not sent; empty: as the provider does."""
    system: Literal["send", "fold"] = "send"
    """fold: the system message stands at the head of the first one."""
    structured: str = ""
    """One of `STRUCTURED`; empty: as the provider can."""
    timeout: float = HOUR
    """Seconds of one request."""
    retries: int = 2
    """How often a request is repeated that met a busy or broken server."""
    rate: float = 0.0
    """Requests a second to this provider from this process; 0: any."""
    cache: bool = False
    """Whether an answer is kept and given again to the same request."""
    images: bool | None = None
    """Whether the model takes images; None: as its name tells."""
    api: Literal["chat", "responses", ""] = ""
    """Which of OpenAI's two protocols; empty: as the model needs."""
    name: str = ""
    """`policy:` alone: which of the models that the server serves."""
    extra: dict[str, Any] = field(default_factory=dict)
    """All others, by name."""


KNOWN = tuple(one.name for one in fields(Options) if one.name != "extra")
_NUMBERS = {
    "max_tokens": (int, 1),
    "timeout": (float, 0.001),
    "retries": (int, 0),
    "rate": (float, 0),
}
_CHOICES = {
    "system": ("send", "fold"),
    "structured": STRUCTURED,
    "api": ("chat", "responses"),
    "cache": (True, False),
    "images": (True, False),
}


def split(spec: str) -> tuple[str, Options]:
    """A model string without its parameters, and these; raises SettingError for a wrong one."""
    name, mark, query = spec.partition("?")
    if not mark:
        return name, Options()
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for part in query.split("&"):
        key, equals, text = part.partition("=")
        if not equals or not _INNER.fullmatch(key):
            raise SettingError(f"model {spec!r}: {part!r} is not of the form NAME=VALUE")
        if key in KNOWN:
            known[key] = _checked(spec, key, _value(text))
        else:
            _put(extra, _allowed(spec, key), _value(text))
    return name, Options(**known, extra=extra)


def _value(text: str) -> Any:
    text = unquote(text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _checked(spec: str, key: str, value: Any) -> Any:
    if key == "temperature":
        fits = value == "none" or (_is_number(value) and value >= 0)
        wanted = "a number from 0, or none"
    elif key in _NUMBERS:
        kind, least = _NUMBERS[key]
        fits = _is_number(value) and value >= least and (kind is float or isinstance(value, int))
        wanted = f"a number from {least}"
    elif key in _CHOICES:
        choices = cast(tuple[Any, ...], _CHOICES[key])
        fits = value in choices and isinstance(value, bool) == (True in choices)
        wanted = " or ".join(json.dumps(one) if isinstance(one, bool) else one for one in choices)
    else:
        value = str(value)
        fits, wanted = bool(value), "a name"
    if not fits:
        raise SettingError(f"model {spec!r}: {key}={value!r} must be {wanted}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _allowed(spec: str, key: str) -> str:
    if _FORBIDDEN.search(key.split(".")[0]):
        raise SettingError(
            f"model {spec!r}: {key!r} cannot be set here{closest(key, KNOWN)}; addresses, keys and "
            "clients come from the environment, see docs/models.md"
        )
    return key


def _put(extra: dict[str, Any], key: str, value: Any) -> None:
    *outer, last = key.split(".")
    for name in outer:
        inner = extra.setdefault(name, {})
        if not isinstance(inner, dict):
            raise SettingError(f"{key}={value!r}: {name} is a value already, no object")
        extra = inner
    extra[last] = value

"""Addresses of servers, as model strings write them: NAME@URL or NAME@URL1,URL2."""

import re
from urllib.parse import urlsplit

from agentflow_graph.errors import SettingError

_AT = re.compile(r"(?P<name>.+?)@(?P<urls>https?://.+)", re.IGNORECASE)
_BETWEEN = re.compile(r",\s*(?=https?://)", re.IGNORECASE)
_TAILS = ("/chat/completions", "/completions", "/v1")
"""What people copy behind a server's address."""


def named_at(spec: str, kind: str, rest: str) -> tuple[str, tuple[str, ...]]:
    """What stands before the @ of a model string, and its addresses without /v1.

    Raises:
        SettingError: `rest`, all behind the kind, is not of that form.
    """
    found = _AT.fullmatch(rest)
    if not found:
        raise _wrong(spec, kind)
    urls = tuple(_address(spec, kind, url) for url in _BETWEEN.split(found["urls"]))
    if twice := {url for url in urls if urls.count(url) > 1}:
        raise SettingError(f"model {spec!r} names {min(twice)} twice; write each server once")
    return found["name"], urls


def _address(spec: str, kind: str, text: str) -> str:
    url = text.rstrip("/")
    for tail in _TAILS:
        url = url.removesuffix(tail).rstrip("/")
    try:
        parts = urlsplit(url)
        there = bool(parts.hostname) and parts.port != 0 and "," not in parts.netloc
    except ValueError:
        there = False
    if not there:
        raise _wrong(spec, kind)
    return url


def _wrong(spec: str, kind: str) -> SettingError:
    return SettingError(
        f"model {spec!r} is not of the form {kind}:NAME@http://HOST:PORT; several servers are "
        f"{kind}:NAME@http://HOST1:PORT,http://HOST2:PORT"
    )

"""Who may call: Host, Origin, kind of body and token are looked at before anything else.

A page in a browser can send requests to a server on the same machine. Its Host is a name of its own
(DNS rebinding), its Origin its own, and without a preflight its body is no JSON: none of the three
comes in. A token, if AGENTFLOW_TOKEN is set, keeps out other users of the machine.
Sources: Fetch standard (CORS-safelisted requests), RFC 9110 (Host), RFC 6750 (bearer tokens).
"""

import hmac
import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from agentflow_graph.nodes.operator import VARIABLE, Operator

TOKEN = "AGENTFLOW_TOKEN"
STUDIO = "https://smith.langchain.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_OPEN = frozenset({"/ok"})
"""Asked by whoever watches whether the server lives."""
_JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[^:\[\]]+)(:\d+)?", re.IGNORECASE)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gate:
    """ASGI middleware that answers what may not come in."""

    def __init__(self, app: App, operator: Operator | None = None) -> None:
        """`operator`: by default that of the environment."""
        operator = operator or Operator.of_environment()
        self._app = app
        self._hosts = _LOOPBACK | {host.lower() for host in operator.http.hosts}
        self._origins = {STUDIO, *(origin.lower().rstrip("/") for origin in operator.http.origins)}
        self._token = os.environ.get(TOKEN, "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, why = self._refusal(scope)
        if not status:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why[:120]})
        else:
            await _answer(send, status, why)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        headers = _headers(scope)
        host = _HOST.fullmatch(headers.get("host", ""))
        if host is None or host[1].lower() not in self._hosts:
            return 421, _remedy("Host", headers.get("host", ""), "hosts")
        origin = headers.get("origin")
        if origin is not None and not self._knows(origin):
            return 403, _remedy("Origin", origin, "origins")
        if self._asks_for_token(scope) and not self._holds(headers):
            return 401, f"a token is needed: send `Authorization: Bearer` with {TOKEN}"
        kind = headers.get("content-type")
        if kind is not None and not _JSON.fullmatch(kind.strip()):
            return 415, f"Content-Type {kind[:80]!r} is not taken: send application/json"
        if kind is None and _has_body(headers):
            return 415, "a body without Content-Type is not taken: send application/json"
        return 0, ""

    def _asks_for_token(self, scope: Scope) -> bool:
        preflight = scope.get("method") == "OPTIONS"
        return bool(self._token) and not preflight and scope["path"] not in _OPEN

    def _knows(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            return False
        host = _HOST.fullmatch(parts.netloc)
        own = parts.scheme in ("http", "https") and host is not None and host[1] in _LOOPBACK
        return own or origin.lower() in self._origins

    def _holds(self, headers: dict[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        return hmac.compare_digest(given.strip().encode(), self._token.encode())


def _headers(scope: Scope) -> dict[str, str]:
    """By name; of several with one name, all in one text, which then is none that is known."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _has_body(headers: dict[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _remedy(name: str, value: str, key: str) -> str:
    return (
        f"{name} {value[:120]!r} is not one that this server answers to; the operator adds it to "
        f"[http] {key} (server.toml, {VARIABLE})"
    )


async def _answer(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

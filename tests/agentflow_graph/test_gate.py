"""Who may call: every way in which a page of somebody else reaches a server on this machine."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from agentflow_graph.nodes.operator import Operator
from agentflow_graph.server.gate import Gate

OPERATOR = Operator.model_validate(
    {"http": {"hosts": ["agent.example.org"], "origins": ["https://chat.example.org"]}}
)
JSON = {"content-type": "application/json"}


async def call(method: str, path: str, headers: dict[str, str], body: str = "") -> httpx.Response:
    async def answer(request: Any) -> PlainTextResponse:
        return PlainTextResponse("in")

    routes = [Route(path, answer, methods=["GET", "POST", "DELETE"]) for path in ("/runs", "/ok")]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, operator=OPERATOR)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:2024") as client:
        return await client.request(method, path, headers=headers, content=body or None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:2024"},
        {"host": "LOCALHOST"},
        {"host": "[::1]:2024"},
        {"host": "agent.example.org"},
        {"origin": "http://localhost:3000"},
        {"origin": "https://smith.langchain.com"},
        {"origin": "https://chat.example.org"},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "application/merge-patch+json"},
    ],
)
async def test_ours_come_in(headers: dict[str, str]) -> None:
    assert (await call("POST", "/runs", {**JSON, **headers}, "{}")).text == "in"


@pytest.mark.parametrize(
    ("headers", "status", "told"),
    [
        ({"host": "evil.example:2024"}, 421, "[http] hosts"),
        ({"host": "localhost.evil.example"}, 421, "localhost.evil.example"),
        ({"host": "127.0.0.1.nip.io"}, 421, "nip.io"),
        ({"host": "evil.example@127.0.0.1"}, 421, "Host"),
        ({"host": "127.0.0.1, evil.example"}, 421, "Host"),
        ({"host": ""}, 421, "Host"),
        ({"host": "0.0.0.0:2024"}, 421, "Host"),
        ({"origin": "https://evil.example"}, 403, "[http] origins"),
        ({"origin": "null"}, 403, "null"),
        ({"origin": "http://localhost.evil.example"}, 403, "Origin"),
        ({"origin": "http://127.0.0.1@evil.example"}, 403, "Origin"),
        ({"origin": "https://smith.langchain.com.evil.example"}, 403, "Origin"),
        ({"origin": "file://"}, 403, "Origin"),
        ({"origin": "http://[::1"}, 403, "Origin"),
        ({"content-type": "text/plain"}, 415, "application/json"),
        ({"content-type": "text/plain;application/json"}, 415, "application/json"),
        ({"content-type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        ({"content-type": "multipart/form-data; boundary=x"}, 415, "application/json"),
        ({"content-type": ""}, 415, "application/json"),
    ],
)
async def test_others_do_not(headers: dict[str, str], status: int, told: str) -> None:
    answer = await call("POST", "/runs", {**JSON, **headers}, "{}")
    assert answer.status_code == status
    assert told in answer.json()["detail"]


async def test_a_body_without_a_type_does_not() -> None:
    assert (await call("POST", "/runs", {}, "{}")).status_code == 415


async def test_a_request_without_a_body_needs_no_type() -> None:
    assert (await call("DELETE", "/runs", {})).text == "in"
    assert (await call("GET", "/runs", {})).text == "in"


async def test_a_token_is_asked_for_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_TOKEN", "secret-4738")
    assert (await call("GET", "/ok", {})).status_code == 200
    for headers in ({}, {"authorization": "Bearer secret-473"}, {"x-api-key": ""}):
        refused = await call("GET", "/runs", headers)
        assert refused.status_code == 401
        assert "AGENTFLOW_TOKEN" in refused.json()["detail"]
        assert "secret-4738" not in refused.text
    for headers in ({"authorization": "bearer secret-4738"}, {"x-api-key": "secret-4738"}):
        assert (await call("GET", "/runs", headers)).text == "in"

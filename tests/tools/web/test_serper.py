"""`google_search` through Serper, with a server of ours in its place."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from answering import Answering, Reply, hasty
from pydantic import SecretStr

from tools.google_search import GoogleSearch
from tools.services.cache import Cache
from tools.services.remote import Service
from tools.web.serper import Serper

KEY = "AIza-planted-0123456789"
SERPER = Service("Serper", rate=100.0, attempts=2)


async def outcome(tool: GoogleSearch, query: str = "Zürich?") -> tuple[str, str]:
    text, result = await tool._arun(query=query)
    return result["status"], text


def serper(
    server: Answering, folder: Path | None = None, service: Service = SERPER
) -> GoogleSearch:
    backend = Serper(SecretStr(KEY), url=server.url, service=service)
    return GoogleSearch(backend=backend, cache=Cache(folder))


JSON = {"Content-Type": "application/json"}
ORGANIC = [{"title": "Museum", "link": "https://a.example/", "snippet": "Open\ndaily."}] * 9


@pytest.mark.integration
async def test_serper_gives_pages_and_googles_short_answer() -> None:
    body = {"answerBox": {"answer": "At nine."}, "organic": ORGANIC}
    replies = [Reply(200, one, JSON) for one in (body, {"organic": ORGANIC[:1]})]
    with Answering(replies) as server:
        server_text = await serper(server).ainvoke({"query": "museum"})
        plain = await serper(server).ainvoke({"query": "other"})
    lines = server_text.split("\n")
    assert lines[:3] == ["At nine.", "Pages:", "[1] Museum: Open daily. (https://a.example/)"]
    assert len(lines) == 7
    assert plain == "[1] Museum: Open daily. (https://a.example/)"
    assert server.asked[0].path == "/search"
    assert server.asked[0].headers["X-API-KEY"] == KEY
    assert server.asked[0].query["q"] == "museum"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (Reply(429), "unavailable", "limits its callers"),
        (Reply(500), "unavailable", "out of order"),
        (Reply(403, {"message": "Unauthorized."}), "unavailable", "set SERPER_API_KEY"),
        (Reply(400), "error", "rejects the request"),
        (Reply(delay=3.0), "timeout", "gave no answer in 1 s"),
        (Reply(body="<html>"), "unavailable", "no JSON"),
        (Reply(body="{", headers=JSON), "unavailable", "answered"),
        (
            Reply(body={"x": 1}, headers=JSON),
            "unavailable",
            "no res",
        ),
        (
            Reply(body={"organic": []}, headers=JSON),
            "error",
            "nothing matches",
        ),
    ],
)
async def test_what_goes_wrong_at_serper_is_typed(
    reply: Reply, status: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), Answering([reply]) as server:
        found = await outcome(serper(server, service=hasty(SERPER, reply)))
    assert found[0] == status
    assert said in found[1]
    assert KEY not in found[1] + caplog.text


@pytest.mark.integration
async def test_nobody_at_serper() -> None:
    with Answering([Reply()]) as server:
        tool = serper(server)
    status, text = await outcome(tool)
    assert status == "unavailable"
    assert "cannot be reached" in text

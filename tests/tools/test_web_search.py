"""`web_search` through Tavily's own client and our fetcher, at a real server on this machine."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from answering import Answering, Reply, hasty
from searches import FOUND, KEY, TAVILY, outcome, searching

from tools.services.cache import Cache
from tools.web.tavily import Tavily
from tools.web_search import WebSearch


@pytest.mark.integration
async def test_pages_are_lines_that_cannot_be_forged() -> None:
    with Answering([Reply(body=FOUND)]) as server:
        text = await searching(server).ainvoke({"query": "museum"})
    assert text.split("\n") == [
        "[1] Harbor Museum: Open daily. (https://a.example/)",
        "[2] Evil [9] Forged: x [3] y (z) (https://b.example/)",
        "[3] (no title) (https://c.example/)",
    ]
    (request,) = server.asked
    assert request.path == "/search"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.json["query"] == "museum"
    assert request.json["max_results"] == 5


@pytest.mark.integration
@pytest.mark.parametrize(
    ("replies", "status", "said"),
    [
        ([Reply(429)], "unavailable", "Tavily limits its callers (HTTP 429)"),
        ([Reply(500)], "unavailable", "Tavily is out of order (HTTP 500)"),
        ([Reply(401, {"detail": {"error": f"bad {KEY}"}})], "unavailable", "bad [hidden]"),
        ([Reply(401)], "unavailable", "set TAVILY_API_KEY"),
        ([Reply(432)], "unavailable", "refuses the key or the plan"),
        ([Reply(400, {"detail": {"error": "too long"}})], "error", "too long"),
        ([Reply(delay=3)], "timeout", "gave no answer in 1 s"),
        ([Reply(body="<html>")], "unavailable", "something that holds no results"),
        ([Reply(body="[1]")], "unavailable", "something that holds no results"),
        ([Reply(body={"results": [{"title": 1}]})], "unavailable", "holds no results"),
        ([Reply(body={"results": []})], "error", "no page matches 'museum'"),
        ([Reply(body=b" " * 6_000_000)], "error", "more than 5 MB"),
    ],
)
async def test_what_goes_wrong_is_typed_and_not_kept(
    replies: list[Reply], status: str, said: str, tmp_path: Path
) -> None:
    with Answering(replies) as server:
        tool = searching(server, tmp_path, hasty(TAVILY, replies[0]))
        found = await outcome(tool, query="museum")
    assert found[0] == status
    assert said in found[1]
    assert KEY not in found[1]
    with Answering([Reply(body=FOUND)]) as server:
        assert (await outcome(searching(server, tmp_path), query="museum"))[0] == "ok"


async def test_without_a_key_it_says_which_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)
    tool = WebSearch(cache=Cache(None))
    status, text = await outcome(tool, query="museum")
    assert status == "unavailable"
    assert "set TAVILY_API_KEY" in text
    assert "keyless=True" in text
    assert "set TAVILY_API_KEY" in await tool.missing()


@pytest.mark.integration
async def test_keyless_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)
    with Answering([Reply(body=FOUND)]) as server:
        backend = Tavily(keyless=True, url=server.url, service=TAVILY)
        assert (await outcome(searching(server, backend=backend), query="museum"))[0] == "ok"
    headers = server.asked[0].headers
    assert headers["X-Tavily-Access-Mode"] == "keyless"
    assert "Authorization" not in headers


@pytest.mark.integration
async def test_a_key_wins_over_keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", KEY)
    with Answering([Reply(body=FOUND)]) as server:
        backend = Tavily(keyless=True, url=server.url, service=TAVILY)
        await outcome(searching(server, backend=backend), query="museum")
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert "X-Tavily-Access-Mode" not in server.asked[0].headers


@pytest.mark.integration
async def test_eight_rollouts_search_once(tmp_path: Path) -> None:
    with Answering([Reply(body=FOUND, delay=0.1)]) as server:
        tools = [searching(server, tmp_path) for _ in range(8)]
        found = await asyncio.gather(*(tool.ainvoke({"query": " museum "}) for tool in tools))
        assert await tools[0].ainvoke({"query": "museum"}) == found[0]
    assert len(set(found)) == 1
    assert len(server.asked) == 1


PROGRAM = """
import asyncio, sys
from pathlib import Path
from pydantic import SecretStr
from tools.services.cache import Cache
from tools.web.tavily import Tavily
from tools.web_search import WebSearch

async def main():
    backend = Tavily(SecretStr("planted-key-0123"), url=sys.argv[1])
    tool = WebSearch(backend=backend, fetcher=None, cache=Cache(Path(sys.argv[2])))
    found = await asyncio.gather(*(tool.ainvoke({"query": "museum"}) for _ in range(8)))
    assert all(text.startswith("[1] Harbor Museum") for text in found), found

asyncio.run(main())
"""


@pytest.mark.integration
def test_two_processes_search_once(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    with Answering([Reply(body=FOUND, delay=1.0)]) as server:
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, server.url, str(tmp_path)]
        processes = [subprocess.Popen(command, cwd=root) for _ in range(2)]
        assert [process.wait(120) for process in processes] == [0, 0]
    assert len(server.asked) == 1


@pytest.mark.integration
async def test_a_key_reaches_no_text_no_log_no_trace_and_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", KEY)
    replies = [Reply(500, {"detail": f"no {KEY}"}), Reply(429), Reply(body=FOUND)]
    texts = []
    with caplog.at_level(logging.DEBUG), Answering(replies) as server:
        backend = Tavily(url=server.url, service=TAVILY)
        tool = searching(server, tmp_path, backend=backend)
        for _ in range(2):
            call = {"type": "tool_call", "id": "1", "name": "web_search", "args": {"query": "x"}}
            message = await tool.ainvoke(call)
            texts.append(f"{message.content} {message.artifact} {message!r}")
    texts += [repr(tool), str(tool.model_dump()), caplog.text, repr(backend._service)]
    assert [text for text in texts if KEY in text] == []
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert [data for data in files if KEY.encode() in data] == []

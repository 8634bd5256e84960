"""`google_search` through google-genai and langchain-community, at a server on this machine."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply, hasty
from pydantic import SecretStr

from tools.google_search import GoogleSearch, engine
from tools.services.cache import Cache
from tools.services.remote import Service
from tools.web.gemini import Gemini

KEY = "AIza-planted-0123456789"
GEMINI = Service("Gemini", rate=100.0, attempts=2)

TEXT = "Zürich 🏙 ist groß. Bern ist es nicht."


def segment(until: str, *sources: int) -> dict[str, Any]:
    end = len(TEXT[: TEXT.index(until) + len(until)].encode())
    return {"segment": {"endIndex": end, "text": until}, "groundingChunkIndices": list(sources)}


def grounding(**more: Any) -> dict[str, Any]:
    metadata = {
        "groundingChunks": [
            {
                "web": {
                    "uri": "https://vertexaisearch.example/redirect/1",
                    "title": "zuerich.example",
                }
            },
            {},
            {"web": {"uri": "https://vertexaisearch.example/redirect/3", "title": "bern.example"}},
        ],
        "groundingSupports": [
            segment("groß.", 2, 0),
            segment("nicht.", 1, 2, 7),
            {"groundingChunkIndices": [0]},
            {"segment": {"text": "x"}},
        ],
    } | more
    content = {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": TEXT}]}
    for support in metadata["groundingSupports"] or []:
        support.get("segment", {})["partIndex"] = 1
    candidate = {"content": content, "finishReason": "STOP", "groundingMetadata": metadata}
    return {"candidates": [candidate]}


def asking(
    server: Answering, folder: Path | None = None, service: Service = GEMINI
) -> GoogleSearch:
    backend = Gemini(SecretStr(KEY), url=server.url, service=service)
    return GoogleSearch(backend=backend, cache=Cache(folder))


async def outcome(tool: GoogleSearch, query: str = "Zürich?") -> tuple[str, str]:
    text, result = await tool._arun(query=query)
    return result["status"], text


@pytest.mark.integration
async def test_gemini_answers_with_citations_where_they_belong() -> None:
    with Answering([Reply(body=grounding())]) as server:
        text, result = await asking(server)._arun(query="Zürich?")
    assert text.split("\n") == [
        "Zürich 🏙 ist groß.[1][2] Bern ist es nicht.[2]",
        "Sources:",
        "[1] zuerich.example (https://vertexaisearch.example/redirect/1)",
        "[2] bern.example (https://vertexaisearch.example/redirect/3)",
    ]
    assert result["data"] == {"backend": "gemini", "charged": "gemini-2.5-flash"}
    (request,) = server.asked
    assert request.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert request.json["tools"] == [{"googleSearch": {}}]
    assert request.json["contents"][0]["parts"] == [{"text": "Zürich?"}]


@pytest.mark.integration
@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"groundingChunks": None, "groundingSupports": None},
        {"groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}]},
    ],
)
async def test_an_answer_without_sources_says_so(metadata: dict[str, Any] | None) -> None:
    body = grounding()
    body["candidates"][0]["groundingMetadata"] = metadata
    with Answering([Reply(body=body)]) as server:
        status, text = await outcome(asking(server))
    assert status == "ok"
    assert text.endswith("\n(without a source: the model answered from memory)")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (Reply(429, {"error": {"code": 429, "message": "quota"}}), "unavailable", "429: quota"),
        (Reply(500), "unavailable", "Gemini is out of order (HTTP 500)"),
        (Reply(400, {"error": {"message": f"key {KEY} bad"}}), "error", "key [hidden] bad"),
        (Reply(403), "unavailable", "set GEMINI_API_KEY"),
        (Reply(delay=3.0), "timeout", "gave no answer in 1 s"),
        (Reply(body="<html>"), "unavailable", "no reply of a model"),
        (Reply(body={"candidates": [1]}), "unavailable", "no reply of a model"),
        (Reply(body={}), "error", "refuses to answer"),
        (Reply(body={"promptFeedback": {"blockReason": "SAFETY"}}), "error", "(SAFETY)"),
        (Reply(body={"candidates": [{"finishReason": "SAFETY"}]}), "error", "nothing matches"),
        (Reply(body=b" " * 6_000_000), "error", "more than 5 MB"),
    ],
)
async def test_what_goes_wrong_is_typed_and_not_kept(
    reply: Reply, status: str, said: str, tmp_path: Path
) -> None:
    with Answering([reply]) as server:
        found = await outcome(asking(server, tmp_path, hasty(GEMINI, reply)))
    assert found[0] == status
    assert said in found[1]
    assert KEY not in found[1]
    with Answering([Reply(body=grounding())]) as server:
        assert (await outcome(asking(server, tmp_path)))[0] == "ok"


@pytest.mark.integration
async def test_eight_rollouts_ask_once(tmp_path: Path) -> None:
    with Answering([Reply(body=grounding(), delay=0.1)]) as server:
        tools = [asking(server, tmp_path) for _ in range(8)]
        found = await asyncio.gather(*(outcome(tool) for tool in tools))
    assert len(set(found)) == 1
    assert found[0][0] == "ok"
    assert len(server.asked) == 1


@pytest.mark.integration
async def test_a_key_reaches_no_text_no_log_and_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    error = {"error": {"message": f"key {KEY} bad", "status": KEY}}
    replies = [Reply(500, error), Reply(400, error), Reply(body=grounding())]
    with caplog.at_level(logging.DEBUG), Answering(replies) as server:
        tool = GoogleSearch(backend=Gemini(url=server.url, service=GEMINI), cache=Cache(tmp_path))
        texts = [str(await tool._arun(query="x")) for _ in range(2)]
    texts += [repr(tool), str(tool.model_dump()), caplog.text]
    texts += [file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file()]
    assert [text for text in texts if KEY in text] == []
    assert "'status': 'ok'" in texts[1]


@pytest.mark.parametrize(
    ("name", "variable"), [("gemini", "GEMINI_API_KEY"), ("serper", "SERPER_API_KEY")]
)
async def test_without_a_key_it_says_which_variable(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "SERPER_API_KEY"):
        monkeypatch.delenv(one, raising=False)
    tool = GoogleSearch(backend=engine(name), cache=Cache(None))
    status, text = await outcome(tool)
    assert status == "unavailable"
    assert f"set {variable} to" in text
    assert variable in await tool.missing()


@pytest.mark.parametrize("name", ["custom_search", "CSE", "Custom Search", "google"])
def test_custom_search_is_explained(name: str) -> None:
    with pytest.raises(ValueError, match="ends on 2027-01-01: use gemini or serper"):
        engine(name)


def test_an_unknown_engine_is_explained() -> None:
    with pytest.raises(ValueError, match="no engine 'bing': use gemini or serper"):
        engine("bing")


async def test_an_empty_query_is_refused() -> None:
    assert (await outcome(GoogleSearch(cache=Cache(None)), " "))[0] == "error"


def test_nothing_is_imported_early() -> None:
    program = (
        "import sys\n"
        "import tools.google_search, tools.web_search\n"
        "print([m for m in ('google.genai', 'tavily', 'langchain_community', 'trafilatura', 'bs4',"
        " 'bm25s', 'aiohttp') if m in sys.modules])\n"
    )
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert run.stdout == "[]\n"
    assert run.stderr == ""

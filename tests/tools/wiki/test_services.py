"""`wikipedia_search` over the backends that ask a server; the server is real and local."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply, Request, hasty

from tools.services.cache import Cache
from tools.services.remote import Service
from tools.wiki.cached_backend import CachedBackend
from tools.wiki.mediawiki import MediaWiki
from tools.wiki.passage import Passage
from tools.wikipedia_search import WikipediaSearch

pytestmark = pytest.mark.integration

SERVICE = Service("MediaWiki", rate=1000.0, attempts=3, patience=0.1)
NOW = {"Retry-After": "0"}


def page(title: str, extract: str, index: int) -> dict[str, Any]:
    url = f"https://en.wikipedia.org/wiki/{title.replace(' ', '_')}"
    return {
        "pageid": 90 - index,
        "title": title,
        "index": index,
        "extract": extract,
        "fullurl": url,
    }


FOUND = {
    "batchcomplete": True,
    "query": {
        "pages": [
            page("Harbor", "A harbor shelters ships.", 2),
            page("Old Harbor", "Old Harbor is a town.", 1),
        ]
    },
}
HISTORY = "Old Harbor is a town.\n\n== History ==\n" + "Ships came and went for years. " * 60
WHOLE = {
    "query": {
        "pages": [page("Old Harbor", f"{HISTORY}\n== Politics ==\nIts mayor is Luis Osman.", 0)]
    }
}
MAXLAG = {"error": {"code": "maxlag", "info": "Waiting for db1: 6.1 seconds lagged.", "lag": 6.1}}


def wiki(server: Answering, service: Service = SERVICE, **more: Any) -> WikipediaSearch:
    backend = MediaWiki("me@example.org", url=f"{server.url}/w/api.php", service=service, **more)
    return WikipediaSearch(backend=backend, top_k=2)


def api(request: Request) -> Reply:
    return Reply(body=WHOLE if "titles" in request.query else FOUND)


async def test_the_answer_comes_from_inside_the_best_page() -> None:
    with Answering(api) as server:
        text, result = await wiki(server)._arun(query="Who is the mayor of Old Harbor?")
    assert result["status"] == "ok"
    first = text.split("\n")[0]
    assert first.startswith("[1] Old Harbor: ")
    assert first.endswith("Its mayor is Luis Osman. (https://en.wikipedia.org/wiki/Old_Harbor)")
    assert len(first.split()) < 110


async def test_the_api_is_asked_as_wikimedia_wants() -> None:
    with Answering(api) as server:
        await wiki(server).ainvoke({"query": "mayor of Old Harbor"})
    search, whole = server.asked
    assert search.headers["User-Agent"] == "agentflow-graph/0.1 (me@example.org)"
    assert "gzip" in search.headers["Accept-Encoding"]
    assert search.query["generator"] == "search"
    assert (search.query["maxlag"], search.query["formatversion"]) == ("5", "2")
    assert (search.query["gsrsearch"], search.query["exintro"]) == ("mayor of Old Harbor", "1")
    assert (whole.query["titles"], "exintro" in whole.query) == ("Old Harbor", False)


async def test_gzip_is_unpacked() -> None:
    body = gzip.compress(json.dumps(FOUND).encode())
    packed = Reply(body=body, headers={"Content-Encoding": "gzip"})
    with Answering([packed]) as server:
        assert "shelters ships" in await wiki(server).ainvoke({"query": "Harbor"})


@pytest.mark.parametrize(
    "busy",
    [
        Reply(429, headers=NOW),
        Reply(503, headers=NOW),
        Reply(200, MAXLAG, headers=NOW),
        Reply(200, {"error": {"code": "ratelimited", "info": "slow down"}}, headers=NOW),
    ],
    ids=["429", "503", "maxlag", "ratelimited"],
)
async def test_a_busy_wiki_is_asked_again(busy: Reply) -> None:
    with Answering([busy, busy, Reply(body=FOUND)]) as server:
        _, result = await wiki(server)._arun(query="Old Harbor")
    assert result["status"] == "ok"
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("reply", "status", "said", "asked"),
    [
        (Reply(429, headers={"Retry-After": "600"}), "unavailable", "asks to wait 600 s", 1),
        (Reply(503, headers=NOW), "unavailable", "HTTP 503", 3),
        (Reply(200, MAXLAG, headers=NOW), "unavailable", "maxlag: Waiting for db1", 3),
        (Reply(404), "error", "HTTP 404", 1),
        (Reply(200, {"error": {"code": "badvalue", "info": "x"}}), "error", "change the query", 1),
        (Reply(200, "<html>hello"), "unavailable", "no JSON", 1),
        (Reply(200, {"query": {"pages": [{"ns": 0}]}}), "unavailable", "without a title", 1),
        (Reply(200, [1]), "unavailable", "no answer of the Action API", 1),
        (Reply(200, b"\xff\xfe" * 400), "unavailable", "no JSON", 1),
        (Reply(200, b" " * 6_000_000), "error", "more than 5 MB", 1),
        (Reply(200, FOUND, delay=1.0), "timeout", "no answer in 0.5 s", 3),
        (Reply(200, {"batchcomplete": True}), "error", "no article matches", 2),
    ],
    ids=["429", "503", "maxlag", "404", "badvalue", "html", "titleless", "list", "binary"]
    + ["oversize", "slow", "empty"],
)
async def test_what_goes_wrong_is_a_typed_result(
    reply: Reply, status: str, said: str, asked: int
) -> None:
    with Answering([reply]) as server:
        tool = wiki(server, hasty(SERVICE, reply, 0.5))
        text, result = await tool._arun(query="the Old Harbor")
    assert (result["status"], len(server.asked)) == (status, asked)
    assert said in text
    assert "127.0.0.1" not in text


async def test_a_question_without_hits_is_asked_by_any_of_its_words() -> None:
    with Answering([Reply(body={"batchcomplete": True}), Reply(body=FOUND)]) as server:
        await wiki(server).ainvoke({"query": "Who is the mayor of Old Harbor?"})
    assert server.asked[1].query["gsrsearch"] == "mayor OR old OR harbor"


async def test_introductions_answer_where_the_whole_page_does_not_come() -> None:
    with Answering([Reply(body=FOUND), Reply(500)]) as server:
        assert "Old Harbor is a town." in await wiki(server).ainvoke({"query": "Old Harbor"})


async def test_a_server_that_is_gone_is_unavailable() -> None:
    with Answering([Reply()]) as server:
        tool = wiki(server)
    text, result = await tool._arun(query="Old Harbor")
    assert (result["status"], "cannot be reached" in text) == ("unavailable", True)


async def test_without_a_contact_nothing_is_sent() -> None:
    with Answering(api) as server:
        tool = WikipediaSearch(backend=MediaWiki(url=server.url, service=SERVICE))
        text, result = await tool._arun(query="Old Harbor")
    assert (result["status"], server.asked) == ("unavailable", [])
    assert "set `contact`" in text


async def test_the_whole_call_has_an_end() -> None:
    with Answering([Reply(body=FOUND, delay=3.0)]) as server:
        tool = wiki(server)
        tool.timeout = 0.2
        started = time.monotonic()
        text, result = await tool._arun(query="Old Harbor")
    assert (result["status"], "0.2 s" in text) == ("timeout", True)
    assert time.monotonic() - started < 2.9


async def test_a_group_that_asks_alike_asks_once(tmp_path: Path) -> None:
    with Answering(api) as server:
        backend = MediaWiki("me@example.org", url=server.url, service=SERVICE)
        kept = CachedBackend(backend, "mediawiki", Cache(tmp_path), hours=1.0)
        found = await asyncio.gather(*(kept.search("mayor of Old Harbor", 2) for _ in range(8)))
    assert len(server.asked) == 2
    assert all(one == found[0] for one in found)
    assert await kept.search("mayor of Old Harbor", 2) == found[0]  # the server has gone
    assert isinstance(found[0][0], Passage)

"""`wikipedia_search` at a retrieval server, as Search-R1 and FlashRAG run them."""

from __future__ import annotations

import pytest
from answering import Answering, Reply, hasty

from tools.services.remote import Service
from tools.wiki.retrieval import Retrieval
from tools.wikipedia_search import WikipediaSearch

pytestmark = pytest.mark.integration

SEARCH_R1 = {
    "result": [
        [
            {
                "document": {"id": "1", "contents": '"Emma"\nEmma is a novel by Jane Austen.'},
                "score": 9,
            },
            {"document": {"id": "2", "contents": '"Persuasion"\nA novel.'}, "score": 3},
        ]
    ]
}
FLASHRAG = {"result": [[{"id": "1", "title": "Emma", "text": "Emma is a novel by Jane Austen."}]]}


SERVICE = Service("the retrieval server", rate=1000.0, patience=0.1)


def retrieval(server: Answering, service: Service = SERVICE) -> WikipediaSearch:
    return WikipediaSearch(backend=Retrieval(server.url, service), top_k=2)


async def test_search_r1_answers_in_its_order() -> None:
    with Answering([Reply(body=SEARCH_R1)]) as server:
        text = await retrieval(server).ainvoke({"query": "who wrote Emma"})
    assert text == "[1] Emma: Emma is a novel by Jane Austen.\n[2] Persuasion: A novel."
    (asked,) = server.asked
    assert asked.path == "/retrieve"
    assert asked.json == {"queries": ["who wrote Emma"], "topk": 2, "return_scores": True}


async def test_flashrag_answers_too() -> None:
    with Answering([Reply(body=FLASHRAG)]) as server:
        text = await retrieval(server).ainvoke({"query": "who wrote Emma"})
    assert text == "Emma: Emma is a novel by Jane Austen."


async def test_long_documents_are_cut_and_ranked() -> None:
    contents = '"Emma"\n' + "It was a fine day. " * 200 + "Its author is Jane Austen."
    with Answering([Reply(body={"result": [[{"document": {"contents": contents}}]]})]) as server:
        text, _ = await retrieval(server)._arun(query="author of Emma")
    assert text.split("\n")[0].endswith("Its author is Jane Austen.")


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (Reply(500, headers={"Retry-After": "0"}), "unavailable", "HTTP 500"),
        (Reply(422, {"detail": "no such field"}), "error", "no such field"),
        (Reply(200, {"result": []}), "unavailable", '{"result": [[...]]}'),
        (Reply(200, {"result": [[{"document": {"id": 1}}]]}), "unavailable", "`contents`"),
        (Reply(200, {"result": [[]]}), "error", "no article matches"),
        (Reply(200, SEARCH_R1, delay=1.0), "timeout", "0.5 s"),
    ],
    ids=["500", "422", "no result", "no contents", "empty", "slow"],
)
async def test_what_goes_wrong_at_a_retrieval_server(reply: Reply, status: str, said: str) -> None:
    with Answering([reply]) as server:
        tool = retrieval(server, hasty(SERVICE, reply, 0.5))
        text, result = await tool._arun(query="who wrote Emma")
    assert result["status"] == status
    assert said in text


async def test_no_retrieval_server_is_named() -> None:
    text, result = await WikipediaSearch(backend=Retrieval())._arun(query="x")
    assert (result["status"], "set `url`" in text) == ("unavailable", True)

r"""Search at a retrieval server, as trainers run them: Search-R1 and FlashRAG.

    server = Retrieval("http://127.0.0.1:8000/retrieve")
    passages = await server.search("who wrote Emma", top_k=3)

The contract (github.com/PeterGriffinJin/Search-R1, search_r1/search/retrieval_server.py):

    POST /retrieve  {"queries": ["..."], "topk": 3, "return_scores": true}
    -> {"result": [[{"document": {"id": ..., "contents": "\"Title\"\ntext"}, "score": 0.7}, ...]]}

Documents of FlashRAG carry `title` and `text` instead of `contents`; both are read.
"""

from __future__ import annotations

from typing import Any

from tools.services.remote import Service
from tools.wiki.passage import BackendError, Passage
from tools.wiki.ranking import SIZE, best

SERVICE = Service("the retrieval server", rate=100.0)
REMEDY = (
    "set `url` (AGENTFLOW_WIKIPEDIA_SEARCH_URL) to the address of one, like "
    "http://127.0.0.1:8000/retrieve"
)


class Retrieval:
    """A backend over one server; a `url` without a path means its `/retrieve`."""

    def __init__(self, url: str = "", service: Service = SERVICE) -> None:
        """`service`: rate, attempts and seconds of the calls."""
        bare = url.count("/") == 2 or (url.count("/") == 3 and url.endswith("/"))
        self._url = f"{url.rstrip('/')}/retrieve" if bare else url
        self._service = service

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        return "" if self._url else f"no retrieval server is named: {REMEDY}"

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """The server's documents in its order; of long ones, the pieces that fit best.

        Raises:
            BackendError: no server is named.
            RemoteFault: the server gave no answer, even after retries.
        """
        if self.missing():
            raise BackendError(self.missing())
        question = {"queries": [query], "topk": top_k, "return_scores": True}
        async with self._service.client() as client:
            response = await self._service.call(lambda: client.post(self._url, json=question))
        documents = self._documents(await self._service.json(response))
        if any(len(document.text.split()) > 2 * SIZE for document in documents):
            return await best(query, documents, top_k)
        return documents[:top_k]

    def _documents(self, answer: Any) -> list[Passage]:
        match answer:
            case {"result": [list(found), *_]}:
                return [self._document(one) for one in found]
        raise self._service.garbage('JSON without {"result": [[...]]}')

    def _document(self, found: Any) -> Passage:
        match found:
            case {"document": dict(inner)}:
                return self._document(inner)
            case {"title": str(title), "text": str(text)}:
                return Passage(title.strip('" '), text.strip(), str(found.get("url") or ""))
            case {"contents": str(contents)}:
                title, _, text = contents.partition("\n")
                return Passage(title.strip('" '), text.strip(), str(found.get("url") or ""))
        raise self._service.garbage("a document without `contents`")

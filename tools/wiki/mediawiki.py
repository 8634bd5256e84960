"""Search in a Wikipedia, or any wiki that runs MediaWiki with TextExtracts and CirrusSearch.

    wiki = MediaWiki(contact="you@example.org", language="en")
    passages = await wiki.search("mayor of Lyon", top_k=3)

One call of the Action API finds the pages and brings their introductions; a second brings the whole
text of the best one (the API gives one whole text a call), which is where answers stand that no
introduction holds. All of it is cut into passages and ranked. The search wants every word on the
page: a question that finds nothing is asked once more by any of its telling words.

The rules of the API are kept: a User-Agent with a contact (foundation.wikimedia.org, policy
User-Agent), `maxlag` (mediawiki.org, Manual:Maxlag parameter), `Retry-After`, gzip. Anonymous
callers are limited for the whole world: thousands of rollouts belong on `kiwix`, `retrieval` or
`corpus`.
"""

from __future__ import annotations

from typing import Any

import httpx

from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.services.wire import retry_after
from tools.wiki.passage import BackendError, Passage
from tools.wiki.ranking import best
from tools.wiki.terms import pattern

SERVICE = Service("MediaWiki", rate=2.0)
MAXLAG = 5  # seconds of replication lag above which the API shall refuse: Wikimedia's advice
LONGEST_QUERY = 300  # characters; CirrusSearch refuses longer ones
_BUSY = frozenset(("maxlag", "ratelimited", "readonly", "cirrussearch-too-busy-error"))


class MediaWiki:
    """A backend over one wiki.

    Args:
        contact: address of a person or a page, part of the User-Agent; required by Wikimedia.
        language: which Wikipedia, by its subdomain; not used with `url`.
        url: the `api.php` of another wiki.
        pages: pages a search brings, at most 20.
        service: rate, attempts and seconds of the calls.
    """

    def __init__(
        self,
        contact: str = "",
        language: str = "en",
        url: str = "",
        pages: int = 5,
        service: Service = SERVICE,
    ) -> None:
        self._contact = contact
        self._url = url or f"https://{language}.wikipedia.org/w/api.php"
        self._pages = pages
        self._service = service

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        if self._contact:
            return ""
        return (
            "Wikimedia asks every program for a contact: set `contact` "
            "(AGENTFLOW_WIKIPEDIA_SEARCH_CONTACT) to a mail address or a page"
        )

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """The passages that fit best, out of the introductions and the best page.

        Raises:
            BackendError: no contact is set.
            RemoteFault: the wiki gave no answer, even after retries.
        """
        if self.missing():
            raise BackendError(self.missing())
        agent = f"agentflow-graph/0.1 ({self._contact})"
        async with self._service.client(headers={"User-Agent": agent}) as client:
            query = query[:LONGEST_QUERY]
            articles = await self._found(client, query)
            if not articles and pattern(query) != query:
                articles = await self._found(client, pattern(query))
            if articles:
                articles[0] = await self._whole(client, articles[0])
        return await best(query, articles, top_k)

    async def _found(self, client: httpx.AsyncClient, query: str) -> list[Passage]:
        pages = await self._query(
            client,
            generator="search",
            gsrsearch=query,
            gsrlimit=self._pages,
            exintro=1,
            exlimit="max",
        )
        return [self._article(page) for page in sorted(pages, key=_rank)]

    async def _whole(self, client: httpx.AsyncClient, article: Passage) -> Passage:
        try:
            pages = await self._query(client, titles=article.title, exlimit=1)
        except RemoteFault:
            return article  # its introduction is an answer too
        return self._article(pages[0]) if pages else article

    async def _query(self, client: httpx.AsyncClient, **which: str | int) -> list[dict[str, Any]]:
        parameters: dict[str, str | int] = {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "prop": "extracts|info",
            "inprop": "url",
            "explaintext": 1,
            "redirects": 1,
            "maxlag": MAXLAG,
        }
        return await self._service.call(lambda: self._asked(client, parameters | which))

    async def _asked(
        self, client: httpx.AsyncClient, parameters: dict[str, str | int]
    ) -> list[dict[str, Any]]:
        response = await client.get(self._url, params=parameters)
        match await self._service.json(response):
            case {"error": {"code": str(code), "info": str(info)}}:
                raise self._refusal(code, info, response)
            case {"query": {"pages": list(pages)}} if all(isinstance(p, dict) for p in pages):
                return pages
            case {"batchcomplete": _}:
                return []
        raise self._service.garbage("JSON that is no answer of the Action API")

    def _refusal(self, code: str, info: str, response: httpx.Response) -> RemoteFault:
        """The API reports errors with HTTP status 200."""
        said = f"{self._service.name} refuses ({code}: {self._service.clean(info)})"
        if code in _BUSY or code.startswith("internal_api_error"):
            text = f"{said}: try later, or use another tool"
            return RemoteFault(text, retry=True, wait=retry_after(response.headers))
        return RemoteFault(f"{said}: change the query", "error")

    def _article(self, page: dict[str, Any]) -> Passage:
        match page:
            case {"title": str(title)}:
                return Passage(title, str(page.get("extract") or ""), str(page.get("fullurl", "")))
        raise self._service.garbage("a page without a title")


def _rank(page: dict[str, Any]) -> int:
    """Place in the search's order; `pages` themselves come sorted by their number."""
    index = page.get("index")
    return index if isinstance(index, int) else 1 << 30

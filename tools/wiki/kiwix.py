"""Search in an archive that kiwix-serve offers: all of a Wikipedia, without the network.

    kiwix = Kiwix("http://127.0.0.1:8080")       # kiwix-serve --port 8080 wikipedia_en_all.zim
    passages = await kiwix.search("mayor of Lyon", top_k=3)

Its search wants every word on the page, so a question finds nothing: stop words are dropped and the
rest is joined by OR; Xapian ranks what matches. The results are RSS with a snippet; the whole
articles come from `/raw` and are cut into passages and ranked.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote, unquote, urljoin
from xml.etree import ElementTree

import httpx

from tools.outcomes.outside import shown
from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.wiki.markup import strip_markup
from tools.wiki.passage import BackendError, Passage
from tools.wiki.ranking import best
from tools.wiki.terms import pattern

REMEDY = (
    "start `kiwix-serve --port 8080 FILE.zim` and set `url` (AGENTFLOW_WIKIPEDIA_SEARCH_URL) to "
    "http://127.0.0.1:8080"
)
SERVICE = Service("kiwix-serve", rate=200.0)
_ATOM = "{http://www.w3.org/2005/Atom}"
_TAG = re.compile(r"<[^>]*>")


class Kiwix:
    """A backend over one book of a kiwix-serve.

    Args:
        url: root address of the server.
        book: file name of the archive without `.zim`; empty if the server has only one.
        pages: articles a search reads.
        service: rate, attempts and seconds of the calls.
    """

    def __init__(
        self, url: str = "", book: str = "", pages: int = 3, service: Service = SERVICE
    ) -> None:
        self._url = url.rstrip("/")
        self._book = book
        self._pages = pages
        self._service = service

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        return "" if self._url else f"no kiwix-serve is named: {REMEDY}"

    async def search(self, query: str, top_k: int) -> list[Passage]:
        """The passages that fit best, out of the best articles.

        Raises:
            BackendError: no server is named, it has no such book, or several and none is chosen.
            RemoteFault: the server gave no answer, even after retries.
        """
        if self.missing():
            raise BackendError(self.missing())
        terms = pattern(query)
        if not terms:
            return []
        async with self._service.client() as client:
            self._book = self._book or await self._only_book(client)
            found = await self._found(client, terms)
            articles = await asyncio.gather(*(self._article(client, hit) for hit in found))
        return await best(query, articles, top_k)

    async def _only_book(self, client: httpx.AsyncClient) -> str:
        feed = self._xml(await self._get(client, "/catalog/v2/entries?count=-1"))
        links = feed.iterfind(f"{_ATOM}entry/{_ATOM}link[@type='text/html']")
        # The file's stem is the identifier; the entry's <name> is refused with 400.
        books = sorted({unquote(link.get("href", "")).rstrip("/").split("/")[-1] for link in links})
        if len(books) == 1:
            return books[0]
        shown = ", ".join(books[:10]) or "none"
        raise BackendError(f"kiwix-serve has {len(books)} books ({shown}): set `book` to one")

    async def _found(self, client: httpx.AsyncClient, terms: str) -> list[Passage]:
        """The hits as passages whose text is the snippet."""
        parameters = f"books.name={quote(self._book)}&pattern={quote(terms)}&format=xml"
        path = f"/search?{parameters}&pageLength={self._pages}"
        try:
            feed = self._xml(await self._get(client, path))
        except RemoteFault as fault:
            if fault.status == "error":  # 400: the book is not there, or has no index
                raise BackendError(
                    f"kiwix-serve cannot search book {self._book!r}: set `book` to the name of a "
                    "file with a full-text index"
                ) from fault
            raise
        return [
            Passage(
                title, _TAG.sub("", item.findtext("description") or ""), urljoin(self._url, link)
            )
            for item in feed.iterfind("channel/item")
            if (title := item.findtext("title")) and (link := item.findtext("link"))
        ]

    async def _article(self, client: httpx.AsyncClient, hit: Passage) -> Passage:
        # `/book/path` of kiwix-serve 3.3, `/content/book/path` of later ones.
        path = unquote(hit.url).partition(f"/{self._book}/")[2]
        try:
            response = await self._get(client, f"/raw{quote(f'/{self._book}/content/{path}')}")
        except RemoteFault:
            return hit
        text = await asyncio.to_thread(strip_markup, response.text)
        return Passage(hit.title, text or hit.text, hit.url)

    async def _get(self, client: httpx.AsyncClient, path: str) -> httpx.Response:
        return await self._service.call(lambda: client.get(f"{self._url}{path}"))

    def _xml(self, response: httpx.Response) -> ElementTree.Element:
        try:
            return ElementTree.fromstring(response.content)
        except ElementTree.ParseError as fault:
            raise self._service.garbage(f"no XML but {shown(response.text)[:60]!r}") from fault

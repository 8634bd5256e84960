"""Google's result page through serper.dev.

    found = await Serper().search("harbor museum opening hours", top_k=5)

The form of the call is that of langchain-community's GoogleSerperAPIWrapper. The wrapper itself is
no longer maintained, and reads and decompresses whatever it is sent; here it goes through the
client that all services share.
"""

from __future__ import annotations

from dataclasses import replace

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from tools.services.remote import Service
from tools.web.hits import Hit, SearchResult
from tools.web.keys import key_from

ADDRESS = "https://google.serper.dev"
VARIABLE = "SERPER_API_KEY"
REMEDY = f"set {VARIABLE} to a key from serper.dev"


class _Box(BaseModel):
    answer: str | None = None
    snippet: str | None = None


class _Found(BaseModel):
    title: str | None = None
    link: str
    snippet: str | None = None


class _Page(BaseModel):
    answerBox: _Box | None = None  # the service's spelling
    organic: list[_Found]


class Serper:
    """The search of serper.dev.

    Args:
        key: None for SERPER_API_KEY.
        url: another address of the service.
        service: rate, attempts and seconds.
    """

    name = "serper"
    model = ""
    charged = "serper"
    """Who is paid for a search."""

    def __init__(
        self,
        key: SecretStr | None = None,
        *,
        url: str = "",
        service: Service | None = None,
    ) -> None:
        """Nothing is sent yet."""
        self._key = key or key_from(VARIABLE)
        self._service = replace(service or Service("Serper"), key=self._key, remedy=REMEDY)
        self._url = url or ADDRESS

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        return "" if self._key is not None else f"Serper has no key: {REMEDY}"

    async def search(self, query: str, top_k: int) -> SearchResult:
        """Google's short answer, if it gives one, and at most `top_k` pages, the best first.

        Raises:
            RemoteFault: Serper gave no answer, even after retries.
        """
        key = "" if self._key is None else self._key.get_secret_value()
        headers = {"X-API-KEY": key, "Content-Type": "application/json"}
        async with self._service.client(base_url=self._url, headers=headers) as client:
            page = await self._service.call(lambda: self._asked(client, query, top_k))
        box = page.answerBox or _Box()
        hits = [Hit(one.title or "", one.link, one.snippet or "") for one in page.organic[:top_k]]
        return SearchResult(box.answer or box.snippet or "", hits)

    async def _asked(self, client: httpx.AsyncClient, query: str, top_k: int) -> _Page:
        parameters: dict[str, str | int] = {"q": query, "gl": "us", "hl": "en", "num": top_k}
        response = await client.post("/search", params=parameters)
        try:
            return _Page.model_validate(await self._service.json(response))
        except ValidationError as fault:
            raise self._service.garbage("something that holds no results") from fault

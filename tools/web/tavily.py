"""Web search by Tavily, through its own client (docs.tavily.com; library tavily-python).

    hits = await Tavily().search("harbor museum opening hours", top_k=5)

Tavily answers some calls without a key, at a low rate and under other terms. Its client does so
by itself when it finds no key; here it happens only where `keyless=True` says so.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from tools.outcomes.extras import lacking
from tools.outcomes.threads import in_thread
from tools.services.remote import Service
from tools.web.hits import Hit
from tools.web.keys import key_from

ADDRESS = "https://api.tavily.com"
VARIABLE = "TAVILY_API_KEY"
REMEDY = f"set {VARIABLE} to a key from tavily.com"


class _Found(BaseModel):
    title: str | None = None
    url: str
    content: str | None = None


class _Reply(BaseModel):
    results: list[_Found]


class Tavily:
    """The search of Tavily.

    Args:
        key: None for TAVILY_API_KEY.
        keyless: search without a key if there is none.
        url: another address of the service.
        service: rate, attempts and seconds.
    """

    name = "tavily"

    def __init__(
        self,
        key: SecretStr | None = None,
        *,
        keyless: bool = False,
        url: str = "",
        service: Service | None = None,
    ) -> None:
        """Nothing is sent yet."""
        self._key = key or key_from(VARIABLE)
        self._keyless = keyless and self._key is None
        self._url = url or ADDRESS
        self._service = replace(service or Service("Tavily"), key=self._key, remedy=REMEDY)

    @property
    def charged(self) -> str:
        """Who is paid for a search; empty: nobody."""
        return "" if self._keyless else self.name

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        if gap := lacking("tools", "tavily"):
            return f"it {gap}"
        if self._key is not None or self._keyless:
            return ""
        return (
            f"Tavily has no key: {REMEDY}, or choose its low free rate without one "
            "(backend tavily-keyless; in Python, keyless=True)"
        )

    async def search(self, query: str, top_k: int) -> list[Hit]:
        """At most `top_k` pages, the best first.

        Raises:
            RemoteFault: Tavily gave no answer, even after retries.
        """
        library = await in_thread(import_module, "tavily")
        # The client takes no key for "keyless" only if it makes the connection too.
        headers = {"X-Tavily-Access-Mode": "keyless"} if self._keyless else {}
        key = "" if self._key is None else self._key.get_secret_value()
        async with self._service.client(base_url=self._url, headers=headers) as connection:
            client = library.AsyncTavilyClient(api_key=key, client=connection)
            reply = await self._service.call(lambda: self._asked(client, query, top_k))
        return [Hit(one.title or "", one.url, one.content or "") for one in reply.results[:top_k]]

    async def _asked(self, client: Any, query: str, top_k: int) -> _Reply:
        seconds = self._service.seconds
        try:
            answer = await client.search(query, max_results=top_k, timeout=seconds)
            return _Reply.model_validate(answer)
        except import_module("tavily.errors").TimeoutError as fault:
            # Its own class of that name, and no kin to the built-in one.
            raise TimeoutError(str(fault)) from fault
        except (ValidationError, ValueError, AttributeError) as fault:
            raise self._service.garbage("something that holds no results") from fault

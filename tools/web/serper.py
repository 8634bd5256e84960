"""Google's result page through serper.dev, by langchain-community's wrapper.

    found = await Serper().search("harbor museum opening hours", top_k=5)

The wrapper is imported on the first search, in a thread, because langchain-community warns at
every import that it is no longer maintained. Its asynchronous call is used, with a session of
ours: the synchronous one has no time limit, and a thread that waits without end cannot be stopped.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from tools.services.remote import Service
from tools.services.wire import retry_after, trust
from tools.web.hits import Hit, SearchResult
from tools.web.keys import key_from

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
        service: rate, attempts and seconds.
        connector: makes the connections of one call; for tests.
    """

    name = "serper"
    model = ""

    def __init__(
        self,
        key: SecretStr | None = None,
        *,
        service: Service | None = None,
        connector: Callable[[], Any] | None = None,
    ) -> None:
        """Nothing is sent yet."""
        self._key = key or key_from(VARIABLE)
        self._service = replace(service or Service("Serper"), key=self._key, remedy=REMEDY)
        self._connector = connector or _connector

    def missing(self) -> str:
        """What keeps it from searching, with the remedy; empty if nothing."""
        return "" if self._key is not None else f"Serper has no key: {REMEDY}"

    async def search(self, query: str, top_k: int) -> SearchResult:
        """Google's short answer, if it gives one, and at most `top_k` pages, the best first.

        Raises:
            RemoteFault: Serper gave no answer, even after retries.
        """
        wrapper = await asyncio.to_thread(_wrapper)
        page = await self._service.call(lambda: self._asked(wrapper, query, top_k))
        box = page.answerBox or _Box()
        hits = [Hit(one.title or "", one.link, one.snippet or "") for one in page.organic[:top_k]]
        return SearchResult(box.answer or box.snippet or "", hits)

    async def _asked(self, wrapper: Any, query: str, top_k: int) -> _Page:
        http = import_module("aiohttp")
        limit = http.ClientTimeout(total=self._service.seconds)
        key = "" if self._key is None else self._key.get_secret_value()
        try:
            async with http.ClientSession(connector=self._connector(), timeout=limit) as session:
                engine = wrapper(serper_api_key=key, aiosession=session, k=top_k)
                return _Page.model_validate(await engine.aresults(query))
        except http.ClientResponseError as fault:
            # It carries the request's headers, and with them the key: `from None`.
            if fault.status == 200:
                raise self._service.garbage("something that is no JSON") from None
            wait = retry_after(dict(fault.headers or {}))
            raise self._service.fault(fault.status, wait=wait) from None
        except http.ClientError as fault:
            raise self._service.lost(fault) from fault
        except (ValidationError, ValueError) as fault:
            raise self._service.garbage("something that holds no results") from fault


def _wrapper() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`langchain-community` is being sunset")
        return import_module("langchain_community.utilities.google_serper").GoogleSerperAPIWrapper


def _connector() -> Any:
    return import_module("aiohttp").TCPConnector(ssl=trust())

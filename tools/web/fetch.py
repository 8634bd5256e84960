"""The one client for addresses that a model or a page names: it reads public pages only.

    document = await Fetcher().fetch("https://example.org/")
    document.body                       # at most 5 MB, as they were sent, decompressed

Private networks are kept out by `tools.web.guard`, for every hop of a redirect, and
`tools.web.addresses` says what is public. A refusal after a redirect names where it led.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from hishel import AsyncSqliteStorage
from hishel.httpx import AsyncCacheTransport

from tools.services.bounds import MAX_BYTES, Bounded
from tools.services.cache import file_lock, key_of, make_private
from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.services.wire import retry_after
from tools.web.guard import SCHEMES, Guarded, Refused, shown

TYPES = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "text/plain",
        "text/markdown",
        "text/csv",
        "text/xml",
        "application/xml",
        "application/json",
    }
)
"""Media types that are read."""
REDIRECTS = 5
AGENT = "agentflow-graph/0.1 (a research agent; reads single pages on request)"
PUBLIC = "only public http and https pages can be read"


@dataclass(frozen=True)
class Document:
    """What an address gave: `url` after redirects, `media` type, `charset` or "", and the body."""

    url: str
    media: str
    charset: str
    body: bytes = field(repr=False)


class Fetcher:
    """Fetches documents, politely and safely.

    Args:
        folder: where documents are kept for `ttl` seconds; None keeps none.
        ttl: seconds for which a kept document is used.
        service: rate (per host), attempts, seconds and size; the name is that of the host.
        allowed_hosts: hosts that may be read although they are private. For tests, and for an
            intranet that its owner wants read; the model can then reach every port of them.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        ttl: float = 3600.0,
        service: Service | None = None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        """Nothing is opened yet."""
        self._folder, self._ttl = folder, ttl
        self._service = service or Service("", rate=2.0, attempts=2)
        self._allowed = frozenset(host.lower() for host in allowed_hosts)

    async def fetch(self, url: str) -> Document:
        """The document at `url`, from the cache if it is there.

        Raises:
            RemoteFault: the address is refused, or gives nothing that can be read.
        """
        host = _host(url)
        service = replace(self._service, name=host)

        async def once() -> Document:
            try:
                async with self._client(host) as client, client.stream("GET", url) as response:
                    return await self._read(service, response)
            except httpx.RemoteProtocolError as fault:
                # A redirect to what is no address; httpx calls it a fault of the protocol.
                if isinstance(fault.__context__, httpx.InvalidURL):
                    raise _nowhere(url, fault) from fault
                raise

        try:
            if self._folder is None:
                return await service.call(once)
            async with file_lock(self._folder / "locks", key_of("page", {"url": url})):
                return await service.call(once)
        except Refused as fault:
            raise _refusal(url, fault) from fault
        except (UnicodeError, httpx.InvalidURL) as fault:
            raise _invalid(url) from fault
        except RemoteFault as fault:
            fault.away = False  # the page was somebody's choice
            raise

    @asynccontextmanager
    async def _client(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        transport: httpx.AsyncBaseTransport = Guarded(self._allowed)
        if self._folder is not None:
            make_private(self._folder, "pages.db")
            storage = AsyncSqliteStorage(
                database_path=self._folder / "pages.db",
                default_ttl=self._ttl,
                max_stream_size=self._service.max_bytes,
            )
            transport = AsyncCacheTransport(transport, storage)
        # Above the cache: what lies there has been sent by somebody too.
        async with httpx.AsyncClient(
            transport=Bounded(transport, self._service.max_bytes, host, self._service.seconds),
            timeout=self._service.seconds,
            follow_redirects=True,
            max_redirects=REDIRECTS,
            trust_env=False,
            headers={"User-Agent": AGENT, "Accept": ", ".join(sorted(TYPES))},
        ) as client:
            yield client

    async def _read(self, service: Service, response: httpx.Response) -> Document:
        if not response.is_success:
            raise _status_fault(service, response)
        media = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if media not in TYPES:
            text = f"{service.name} sent {service.clean(media)!r}: only text and HTML can be read"
            raise RemoteFault(f"{text}; choose another page", "error")
        body = await response.aread()
        return Document(str(response.url), media, response.charset_encoding or "", body)


def _host(url: str) -> str:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, TypeError) as fault:
        raise _invalid(url) from fault
    if address.scheme not in SCHEMES or not address.host:
        text = f"{Service('').clean(repr(url))} is no address of a page: {PUBLIC}"
        raise RemoteFault(text, "error")
    return address.host


def _invalid(url: str) -> RemoteFault:
    text = f"{Service('').clean(repr(url))} is refused (not a valid address): {PUBLIC}"
    return RemoteFault(text, "error")


def _nowhere(url: str, fault: Exception) -> RemoteFault:
    said = Service("").clean(str(fault.__context__))
    return RemoteFault(
        f"{shown(httpx.URL(url))} leads to no valid address ({said}): {PUBLIC}", "error"
    )


def _refusal(url: str, fault: Refused) -> RemoteFault:
    asked, target = httpx.URL(url), fault.target
    led = "" if target == asked else f"{shown(asked)} leads to "
    cause = fault.__cause__
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
        return RemoteFault("no host names can be resolved here: check the network connection")
    if isinstance(cause, socket.gaierror):
        text = f"{led}{shown(target)}, whose host is not known: check its spelling, or search for"
        return RemoteFault(f"{text} the page", "error")
    which = f"{led}{shown(target)}" + (", which" if led else "")
    return RemoteFault(f"{which} is refused ({fault.reason}): {PUBLIC}", "error")


def _status_fault(service: Service, response: httpx.Response) -> RemoteFault:
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        return service.fault(status, wait=retry_after(response.headers))
    text = f"{service.name} does not show the page (HTTP {status}): check the address or choose"
    return RemoteFault(f"{text} another page", "error")


__all__ = ["MAX_BYTES", "TYPES", "Document", "Fetcher"]

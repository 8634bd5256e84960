"""The one client for addresses that a model or a page names: it reads public pages only.

    document = await Fetcher().fetch("https://example.org/")
    document.body                       # at most 5 MB, as they were sent, decompressed

Server-side request forgery (OWASP SSRF) is kept out below the URL: for every request, and so for
every hop of a redirect, the name is resolved once, *all* its addresses are checked, and the
connection goes to one of those checked. Loopback, private, link-local, carrier-grade NAT,
documentation, multicast, mapped, NAT64, 6to4 and Teredo addresses and the metadata services of
clouds are refused, and so is every scheme but http and https. Proxies of the environment are not
used: a proxy resolves names by itself.

The checks are those of `langchain_core._security` (private, hence this file alone imports it and
the tests hold it to its promises). Its switch LANGCHAIN_ENV=local, which lets localhost through,
is switched off here.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import httpx
from hishel import AsyncSqliteStorage
from hishel.httpx import AsyncCacheTransport
from langchain_core._security import SSRFBlockedError, SSRFPolicy, SSRFSafeTransport
from langchain_core._security._policy import _effective_allowed_hosts

from tools.services.cache import file_lock, key_of, make_private
from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.services.wire import MAX_BYTES, Bounded, oversize, retry_after, trust

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

# What the library leaves open: tunnels that carry an IPv4 address, and ranges of no public host.
_TUNNELS = tuple(
    ip_network(block)
    for block in ("192.88.99.0/24", "2001::/32", "2001:db8::/32", "2002::/16", "100::/64")
) + (ip_network("fec0::/10"),)


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
        self._policy = SSRFPolicy(
            allowed_hosts=frozenset(host.lower() for host in allowed_hosts),
            additional_blocked_cidrs=_TUNNELS,
        )

    async def fetch(self, url: str) -> Document:
        """The document at `url`, from the cache if it is there.

        Raises:
            RemoteFault: the address is refused, or gives nothing that can be read.
        """
        host = _host(url)
        service = replace(self._service, name=host)

        async def once() -> Document:
            async with self._client(host) as client, client.stream("GET", url) as response:
                return await self._read(service, response)

        try:
            if self._folder is None:
                return await service.call(once)
            async with file_lock(self._folder / "locks", key_of("page", {"url": url})):
                return await service.call(once)
        except (SSRFBlockedError, UnicodeError, httpx.InvalidURL) as fault:
            raise _refused(url, fault) from fault
        except RemoteFault as fault:
            fault.away = False  # the page was somebody's choice
            raise

    @asynccontextmanager
    async def _client(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        inner = Bounded(Guarded(self._policy), self._service.max_bytes, host)
        transport: httpx.AsyncBaseTransport = inner
        if self._folder is not None:
            make_private(self._folder, "pages.db")
            storage = AsyncSqliteStorage(
                database_path=self._folder / "pages.db",
                default_ttl=self._ttl,
                max_stream_size=self._service.max_bytes,
            )
            transport = AsyncCacheTransport(inner, storage)
        async with httpx.AsyncClient(
            transport=transport,
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
        body = bytearray()
        # The transport counts what travels; this counts what comes out of a compressed body.
        async for part in response.aiter_bytes():
            body += part
            if len(body) > service.max_bytes:
                raise oversize(service.name, service.max_bytes)
        return Document(str(response.url), media, response.charset_encoding or "", bytes(body))


class Guarded(httpx.AsyncBaseTransport):
    """The library's safe transport under a policy that the environment cannot widen."""

    def __init__(self, policy: SSRFPolicy) -> None:
        self._policy = policy
        self._inner = SSRFSafeTransport(policy, verify=trust(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check the request's host, resolve it, and connect to what was checked."""
        added = _effective_allowed_hosts(self._policy) - self._policy.allowed_hosts
        if request.url.host.lower() in added:
            raise SSRFBlockedError("localhost address")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _host(url: str) -> str:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, TypeError) as fault:
        raise _refused(url, fault) from fault
    if address.scheme not in ("http", "https") or not address.host:
        raise RemoteFault(f"{_shown(url)} is no address of a page: {PUBLIC}", "error")
    return address.host


def _refused(url: str, fault: Exception) -> RemoteFault:
    cause = fault.__cause__
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
        return RemoteFault("no host names can be resolved here: check the network connection")
    if isinstance(cause, socket.gaierror):
        text = f"the host of {_shown(url)} is not known: check its spelling, or search for the page"
        return RemoteFault(text, "error")
    reason = fault.reason if isinstance(fault, SSRFBlockedError) else "not a valid address"
    return RemoteFault(f"{_shown(url)} is refused ({reason}): {PUBLIC}", "error")


def _shown(url: str) -> str:
    return Service("").clean(repr(url))


def _status_fault(service: Service, response: httpx.Response) -> RemoteFault:
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        return service.fault(status, wait=retry_after(response.headers))
    text = f"{service.name} does not show the page (HTTP {status}): check the address or choose"
    return RemoteFault(f"{text} another page", "error")


__all__ = ["MAX_BYTES", "TYPES", "Document", "Fetcher"]

"""The transport that keeps requests out of private networks (OWASP, server-side request forgery).

The check stands below the URL: for every request, and so for every hop of a redirect, the name is
resolved once, *all* its addresses are judged, and the connection goes to one of those judged, with
the name in `Host` and in TLS. What the name means a moment later does not matter.
"""

from __future__ import annotations

import socket
import time
from functools import lru_cache
from ipaddress import IPv6Network

import httpx

from tools.outcomes.threads import in_thread
from tools.services.wire import trust
from tools.web.addresses import refusal, refused_name, refused_port, translators

SCHEMES = {"http": 80, "https": 443}


class Refused(Exception):
    """A request was not sent: `target` is no public page, or not a known host, for `reason`."""

    def __init__(self, target: httpx.URL, reason: str) -> None:
        super().__init__(f"{shown(target)}: {reason}")
        self.target, self.reason = target, reason


class Guarded(httpx.AsyncBaseTransport):
    """Sends requests to public hosts, and to those of `allowed`, which are not looked up here."""

    def __init__(self, allowed: frozenset[str] = frozenset()) -> None:
        # Proxies of the environment are not used: a proxy resolves names by itself.
        self._allowed = allowed
        self._inner = httpx.AsyncHTTPTransport(verify=trust(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Judge the request's host, resolve it, and connect to what was judged.

        Raises:
            Refused: it is not sent. Its cause is a `socket.gaierror` where the name has no address.
        """
        url = request.url
        if url.scheme not in SCHEMES or not url.host:
            raise Refused(url, f"its scheme is {url.scheme!r}")
        if url.host.lower() in self._allowed:
            return await self._inner.handle_async_request(request)
        port = SCHEMES[url.scheme] if url.port is None else url.port
        reason = refused_port(port) or refused_name(url.host)
        if reason:
            raise Refused(url, reason)
        return await self._inner.handle_async_request(_pinned(request, await _judged(url, port)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


async def _judged(url: httpx.URL, port: int) -> str:
    """The first address of the host, once all have been judged."""
    name = url.raw_host.decode("ascii").strip("[]")
    try:
        found = await in_thread(socket.getaddrinfo, name, port, 0, socket.SOCK_STREAM)
    except socket.gaierror as fault:
        raise Refused(url, "its host is not known") from fault
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise Refused(url, "its host has no address")
    translated = await _translated() if any(":" in one for one in addresses) else frozenset()
    for address in addresses:
        if reason := refusal(address, translated):
            raise Refused(url, reason if address == url.host else f"{address}: {reason}")
    return addresses[0]


async def _translated() -> frozenset[IPv6Network]:
    return await in_thread(translated_in, int(time.monotonic() // 3600))


@lru_cache(maxsize=1)
def translated_in(hour: int) -> frozenset[IPv6Network]:
    """The prefixes of this network's translators, asked anew every `hour`."""
    try:
        found = socket.getaddrinfo("ipv4only.arpa", 80, socket.AF_INET6, socket.SOCK_STREAM)
    except socket.gaierror:  # there are none, or no network to ask
        return frozenset()
    return translators(str(entry[4][0]) for entry in found)


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    extensions = dict(request.extensions)
    if request.url.scheme == "https":
        extensions["sni_hostname"] = request.url.raw_host
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=extensions,
    )


def shown(url: httpx.URL) -> str:
    """An address as messages name it: without what it says of a user, and without parameters."""
    bare = url.copy_with(username=None, password=None, query=None, fragment=None)
    return repr(str(bare)[:200])

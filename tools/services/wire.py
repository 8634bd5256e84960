"""What travels on the wire: a bound on its size, `Retry-After`, the trusted certificates."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpx

from tools.services.faults import RemoteFault

MAX_BYTES = 5_000_000


class Bounded(httpx.AsyncBaseTransport):
    """A transport whose replies end in a `RemoteFault` after `limit` bytes."""

    def __init__(self, inner: httpx.AsyncBaseTransport, limit: int, name: str) -> None:
        self._inner, self._limit, self._name = inner, limit, name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on and count what comes back."""
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Counted(response.stream, self._limit, self._name)
        return response

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, limit: int, name: str) -> None:
        self._inner, self._limit, self._name = inner, limit, name

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._inner:
            seen += len(part)
            if seen > self._limit:
                raise oversize(self._name, self._limit)
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


def oversize(name: str, limit: int) -> RemoteFault:
    """The fault of a reply that is larger than allowed."""
    return RemoteFault(
        f"{name} sent more than {limit / 1e6:g} MB, and reading stopped: ask for something smaller",
        "error",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or as a date; None if it does not."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The certificates that clients trust: loading them takes 20 ms, so they are shared."""
    return httpx.create_ssl_context()


def error_text(response: httpx.Response) -> str:
    """The message in the error body of a service, if it has the usual form."""
    try:
        body = response.json()
    except ValueError:
        return ""
    match body:
        case {"error": {"message": str(said)}} | {"detail": {"error": str(said)}}:
            return said
        case {"error": str(said)} | {"detail": str(said)} | {"message": str(said)}:
            return said
    return ""

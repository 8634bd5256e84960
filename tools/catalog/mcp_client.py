"""The client that MCP's SDK talks through, with our bound on what a server sends.

    async with bounded_client("maps", headers, seconds=15) as http:
        transport = streamable_http_client(url, http_client=http)

The SDK comes with an HTTP library of its own, a successor of httpx: it is imported here alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
from httpx2 import AsyncByteStream, AsyncClient, Headers, Response

from tools.services.bounds import Bound, Meter
from tools.services.encoding import ACCEPTED

MAX_BYTES = 50_000_000
"""Bytes of one reply, or of one stream of events: results may hold images."""


class _Stream(AsyncByteStream):
    def __init__(self, inner: AsyncByteStream, meter: Meter) -> None:
        self._inner, self._meter = inner, meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            for piece in self._meter.feed(part):
                yield piece
        self._meter.finish()

    async def aclose(self) -> None:
        await self._inner.aclose()


def bounded_client(name: str, headers: Mapping[str, str], seconds: float) -> AsyncClient:
    """A client whose replies end in a `RemoteFault` that names the server, after `MAX_BYTES`."""
    bound = Bound(MAX_BYTES, f"MCP server {name}")

    async def apply(response: Response) -> None:
        assert isinstance(response.stream, AsyncByteStream)
        said = httpx.Headers(response.headers.raw)
        response.stream = _Stream(response.stream, bound.meter(said))
        response.headers = Headers(said.raw)

    return AsyncClient(
        headers={**headers, "Accept-Encoding": ACCEPTED},
        timeout=seconds,
        event_hooks={"response": [apply]},
    )

"""The bound of `tools.services.bounds` for httpx2, the successor of httpx that libraries bring.

OpenAI's client and MCP's SDK talk through it. It is imported here alone, where it is installed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from httpx2 import AsyncByteStream, Headers, Response

from tools.services.bounds import Bound, Meter


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


def apply(bound: Bound, response: Response) -> None:
    """See `Bound.apply`."""
    assert isinstance(response.stream, AsyncByteStream)
    said = httpx.Headers(response.headers.raw)
    response.stream = _Stream(response.stream, bound.meter(said))
    response.headers = Headers(said.raw)

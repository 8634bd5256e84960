"""The client that MCP's SDK talks through, with our bound on what a server sends.

    async with bounded_client("maps", headers, seconds=15) as http:
        transport = streamable_http_client(url, http_client=http)

The SDK refuses all that a server lists for one tool that it cannot read; `sifted` takes it out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

from httpx2 import AsyncClient, Response
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCResponse

from tools.services.bounds import Bound
from tools.services.encoding import ACCEPTED
from tools.services.successor import apply

MAX_BYTES = 50_000_000
"""Bytes of one reply, or of one stream of events: results may hold images."""


class _Sifted:
    """A stream of messages in which what a server lists is sifted."""

    def __init__(self, inner: Any, sift: Callable[[list[Any]], list[Any]]) -> None:
        self._inner, self._sift = inner, sift

    @property
    def last_context(self) -> Any:
        return getattr(self._inner, "last_context", None)  # the SDK asks in this way too

    async def receive(self) -> Any:
        return self._seen(await self._inner.receive())

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return self._seen(await anext(self._inner))

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *fault: Any) -> bool | None:
        left: bool | None = await self._inner.__aexit__(*fault)
        return left

    def _seen(self, item: Any) -> Any:
        if isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCResponse):
            listed = item.message.result.get("tools")
            if isinstance(listed, list):
                item.message.result["tools"] = self._sift(listed)
        return item


@asynccontextmanager
async def sifted(
    transport: AbstractAsyncContextManager[Any], sift: Callable[[list[Any]], list[Any]] | None
) -> AsyncIterator[Any]:
    """The streams of a transport of the SDK; `sift` gives the listed tools that are to be read."""
    async with transport as (read, write):
        yield (_Sifted(read, sift) if sift else read), write


def bounded_client(name: str, headers: Mapping[str, str], seconds: float) -> AsyncClient:
    """A client whose replies end in a `RemoteFault` that names the server, after `MAX_BYTES`."""
    bound = Bound(MAX_BYTES, f"MCP server {name}")

    async def bounded(response: Response) -> None:
        apply(bound, response)

    return AsyncClient(
        headers={**headers, "Accept-Encoding": ACCEPTED},
        timeout=seconds,
        event_hooks={"response": [bounded]},
    )

"""A bound on what a server may send, and on how long it may take to send it.

Bytes are counted as they travel, and again as they are decompressed.

    client = httpx.AsyncClient(transport=Bounded(httpx.AsyncHTTPTransport(), MAX_BYTES, "Example"))
    response = bounded_get("https://hub.example/file", "the hub", seconds=10)

A transport where the client is ours alone; a hook, as in `bounded_get`, where it also needs the
proxies of the environment. httpx itself decompresses whatever it is sent, at once and on the event
loop, before anybody can count it; so it gets to see bodies that are not compressed, and bounded.
"""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import httpx

from tools.base import run_blocking
from tools.services.encoding import ACCEPTED, Inflater, UnknownCoding, coding_of, text_codec
from tools.services.faults import RemoteFault

MAX_BYTES = 5_000_000
BREATH = 32
"""Parts of a body after which others get their turn: a server can send a byte a part."""


@dataclass(frozen=True)
class Bound:
    """`limit` bytes and `seconds` for a body of the server that messages call `name`.

    A client's own time-out is for each part: one byte a second would hold it for ever.
    """

    limit: int
    name: str
    seconds: float = math.inf

    def apply(self, response: httpx.Response) -> None:
        """Let `response`, whose body is not read yet, give at most `limit` bytes.

        Raises:
            RemoteFault: its headers promise more, or a coding that nobody asked for.
        """
        response.stream = _Stream(response.stream, self.meter(response.headers))

    def meter(self, headers: httpx.Headers) -> Meter:
        """What counts a body with these headers; they are changed to those of what comes out."""
        length = headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 18 or int(length) > self.limit):
            raise oversize(self.name, self.limit)
        try:
            coding = coding_of(headers.get_list("content-encoding", split_commas=True))
        except UnknownCoding as fault:
            raise self._unasked(str(fault)) from fault
        if coding:
            del headers["content-encoding"]
            headers.pop("content-length", None)
        _disarm(headers)
        return Meter(self, coding)

    def _unasked(self, codings: str) -> RemoteFault:
        text = f"{self.name} sent a body compressed as {codings[:60]!r}: only gzip or deflate, once"
        return RemoteFault(f"{text}, is read; use another tool or address", "error")


class Meter:
    """Counts one body, and decompresses it."""

    def __init__(self, bound: Bound, coding: str) -> None:
        """`coding`: "" for a body that comes as it is."""
        self._limit, self._name, self._seconds = bound.limit, bound.name, bound.seconds
        self._end = time.monotonic() + bound.seconds
        self._travelled = self._given = 0
        self._inflater = Inflater(coding) if coding else None

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The body's next pieces, out of the next part as it travels.

        Raises:
            RemoteFault: it is larger than allowed, takes too long, or is damaged.
        """
        if time.monotonic() > self._end:
            raise self._late()
        self._travelled += len(part)
        self._check(self._travelled)
        try:
            for piece in self._inflater.feed(part) if self._inflater else (part,):
                self._given += len(piece)
                self._check(self._given)
                yield piece
        except zlib.error as fault:
            raise self._damaged() from fault

    def finish(self) -> None:
        """The last part has come."""
        try:
            if self._inflater:
                self._inflater.finish()
        except zlib.error as fault:
            raise self._damaged() from fault

    def _check(self, seen: int) -> None:
        if seen > self._limit:
            raise oversize(self._name, self._limit)

    def _late(self) -> RemoteFault:
        text = f"{self._name} did not end its answer in {self._seconds:g} s: ask for less, or later"
        return RemoteFault(text, "timeout", retry=True)

    def _damaged(self) -> RemoteFault:
        text = f"{self._name} answered with a body that cannot be decompressed"
        return RemoteFault(f"{text}: use another tool")


class _Stream(httpx.AsyncByteStream, httpx.SyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream | httpx.SyncByteStream, meter: Meter) -> None:
        self._inner, self._meter = inner, meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._inner, httpx.AsyncByteStream)
        number = 0
        async for part in self._inner:
            for piece in self._meter.feed(part):
                yield piece
            number += 1
            if number % BREATH == 0:
                await asyncio.sleep(0)
        self._meter.finish()

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._inner, httpx.SyncByteStream)
        for part in self._inner:
            yield from self._meter.feed(part)
        self._meter.finish()

    async def aclose(self) -> None:
        assert isinstance(self._inner, httpx.AsyncByteStream)
        await self._inner.aclose()

    def close(self) -> None:
        assert isinstance(self._inner, httpx.SyncByteStream)
        self._inner.close()


class Bounded(httpx.AsyncBaseTransport):
    """A transport whose replies end in a `RemoteFault` after `limit` bytes or `seconds`."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, limit: int, name: str, seconds: float = math.inf
    ) -> None:
        self._inner, self._bound = inner, Bound(limit, name, seconds)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, and bound what comes back."""
        request.headers["Accept-Encoding"] = ACCEPTED
        response = await self._inner.handle_async_request(request)
        try:
            self._bound.apply(response)
        except RemoteFault:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()


def oversize(name: str, limit: int) -> RemoteFault:
    """The fault of a reply that is larger than allowed."""
    return RemoteFault(
        f"{name} sent more than {limit / 1e6:g} MB, and reading stopped: ask for something smaller",
        "error",
    )


def bounded_get(
    url: str,
    name: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    redirects: bool = False,
) -> httpx.Response:
    """One GET of a server that a setting names, for synchronous callers; proxies are used.

    Raises:
        RemoteFault: the body is larger than `MAX_BYTES`, or compressed as nobody asked for.
        httpx.HTTPError, httpx.InvalidURL: there is none, or not all of it in `seconds`, with its
            redirects and however it travels.
    """
    return run_blocking(_got(url, name, seconds, headers or {}, redirects))


async def _got(
    url: str, name: str, seconds: float, headers: Mapping[str, str], redirects: bool
) -> httpx.Response:
    bound = Bound(MAX_BYTES, name)

    async def apply(response: httpx.Response) -> None:
        bound.apply(response)

    client = httpx.AsyncClient(
        headers={**headers, "Accept-Encoding": ACCEPTED},
        timeout=seconds,
        follow_redirects=redirects,
        event_hooks={"response": [apply]},
    )
    try:
        async with asyncio.timeout(seconds), client:
            return await client.get(url)
    except TimeoutError as fault:
        raise httpx.ReadTimeout(f"{name} gave no whole answer in {seconds:g} s") from fault


def _disarm(headers: httpx.Headers) -> None:
    # `Response.text` would decode with any codec of Python's that the server names, bz2 included.
    media, _, parameters = headers.get("content-type", "").partition(";")
    label = httpx.Response(200, headers=headers).charset_encoding
    if parameters and label is not None and not text_codec(label):
        headers["content-type"] = media

"""Reading documents from a real server on this machine, which only the test's setting allows."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Reply

from tools.services.faults import RemoteFault
from tools.services.remote import Service
from tools.web.fetch import Document, Fetcher

pytestmark = pytest.mark.integration
HTML = {"Content-Type": "text/html; charset=utf-8"}


def fetcher(folder: Path | None = None, **settings: Any) -> Fetcher:
    settings = {"rate": 100.0, "attempts": 2, "seconds": 5.0} | settings
    return Fetcher(folder, service=Service("", **settings), allowed_hosts=["127.0.0.1"])


async def fetched(*replies: Reply, **settings: Any) -> Document:
    with Answering(replies) as server:
        return await fetcher(**settings).fetch(f"{server.url}/page")


async def fault_of(*replies: Reply, **settings: Any) -> RemoteFault:
    with pytest.raises(RemoteFault) as raised:
        await fetched(*replies, **settings)
    return raised.value


async def test_a_document_comes_with_its_type_and_charset() -> None:
    body = "grüß".encode("latin-1")
    reply = Reply(body=body, headers={"Content-Type": "text/HTML; charset=Latin-1"})
    document = await fetched(reply)
    assert (document.media, document.charset, document.body) == ("text/html", "latin-1", body)
    assert document.url.endswith("/page")


async def test_a_redirect_is_followed_where_it_may() -> None:
    document = await fetched(Reply(301, headers={"Location": "/other"}), Reply(headers=HTML))
    assert document.url.endswith("/other")


async def test_the_client_says_who_it_is() -> None:
    with Answering([Reply(headers=HTML)]) as server:
        await fetcher().fetch(server.url)
    headers = server.asked[0].headers
    assert "agentflow-graph" in headers["User-Agent"]
    assert "text/html" in headers["Accept"]
    assert not {"Authorization", "Cookie"} & set(headers)


@pytest.mark.parametrize("media", ["application/pdf", "image/png", "application/octet-stream"])
async def test_other_types_are_not_read(media: str) -> None:
    fault = await fault_of(Reply(body=b"x", headers={"Content-Type": media}))
    assert fault.status == "error"
    assert f"sent '{media}'" in str(fault) or f"sent {media!r}" in str(fault)


@pytest.mark.parametrize(
    ("status", "kind", "calls"),
    [
        (404, "error", 1),
        (403, "error", 1),
        (410, "error", 1),
        (429, "unavailable", 2),
        (500, "unavailable", 2),
        (503, "unavailable", 2),
    ],
)
async def test_a_status_becomes_a_fault(status: int, kind: str, calls: int) -> None:
    with (
        Answering([Reply(status, headers=HTML)]) as server,
        pytest.raises(RemoteFault, match=f"HTTP {status}") as raised,
    ):
        await fetcher().fetch(server.url)
    assert raised.value.status == kind
    assert len(server.asked) == calls


async def test_a_server_that_hangs_is_a_timeout() -> None:
    fault = await fault_of(Reply(delay=1.0), seconds=0.2, attempts=1)
    assert fault.status == "timeout"
    assert "data" not in fault.result(), "a page is somebody's choice, and no service that is away"


@asynccontextmanager
async def endless(head: bytes, part: bytes) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that sends `part` for ever, and how many bytes it got rid of."""
    sent: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n")
        try:
            while True:
                writer.write(part)
                await writer.drain()
                sent.append(len(part))
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/", sent
    finally:
        server.close()


@pytest.mark.parametrize("kept", [False, True])
async def test_an_endless_document_is_left_at_the_limit(tmp_path: Path, kept: bool) -> None:
    part = b"x" * 65536
    chunk = b"%x\r\n%s\r\n" % (len(part), part)
    async with endless(b"Transfer-Encoding: chunked\r\n", chunk) as (url, sent):
        reader = fetcher(tmp_path if kept else None, max_bytes=1_000_000)
        for _ in range(2):
            with pytest.raises(RemoteFault, match="more than 1 MB") as raised:
                await reader.fetch(url)
    assert raised.value.status == "error"
    # What it got rid of beyond the limit lies in the buffers of two sockets.
    assert sum(sent) < 2 * 10_000_000


async def test_a_compressed_bomb_is_left_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    fault = await fault_of(Reply(body=bomb, headers=HTML | {"Content-Encoding": "gzip"}))
    assert "more than 5 MB" in str(fault)


async def test_a_compressed_document_is_read() -> None:
    reply = Reply(body=gzip.compress(b"hello"), headers=HTML | {"Content-Encoding": "gzip"})
    assert (await fetched(reply)).body == b"hello"


async def test_eight_at_once_fetch_once(tmp_path: Path) -> None:
    with Answering([Reply(body="hello", headers=HTML, delay=0.1)]) as server:
        readers = [fetcher(tmp_path) for _ in range(8)]
        found = await asyncio.gather(*(reader.fetch(server.url) for reader in readers))
    assert {document.body for document in found} == {b"hello"}
    assert len({document.url for document in found}) == 1
    assert len(server.asked) == 1


async def test_a_kept_document_is_the_same(tmp_path: Path) -> None:
    body = gzip.compress("grüß".encode("latin-1"))
    headers = {"Content-Type": "text/plain; charset=latin-1", "Content-Encoding": "gzip"}
    with Answering(
        [Reply(301, headers={"Location": "/b"}), Reply(body=body, headers=headers)]
    ) as s:
        first = await fetcher(tmp_path).fetch(f"{s.url}/b")
        again = await fetcher(tmp_path).fetch(f"{s.url}/b")
    assert first == again


async def test_failures_are_not_kept(tmp_path: Path) -> None:
    with Answering([Reply(404), Reply(404), Reply(body="there", headers=HTML)]) as server:
        for _ in range(2):
            with pytest.raises(RemoteFault):
                await fetcher(tmp_path).fetch(server.url)
        assert (await fetcher(tmp_path).fetch(server.url)).body == b"there"


async def test_kept_documents_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with Answering([Reply(body="hello", headers=HTML)]) as server:
            await fetcher(tmp_path / "cache").fetch(server.url)
    finally:
        os.umask(old)
    files = [file for file in (tmp_path / "cache").rglob("*") if file.suffix in (".db", ".db-wal")]
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700

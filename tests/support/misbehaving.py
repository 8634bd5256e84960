"""A server that sends what no honest one sends, and a program that reads it and is measured.

with Misbehaving() as server:
    seen = server.read_by("page", ["gzip-bomb"])["gzip-bomb"]
    seen.said, seen.mebibytes, seen.held

The first part of a path names the case, so that any service can be pointed at one by its address.
The reader is a process of its own, whose memory and event loop belong to nobody else.
"""

from __future__ import annotations

import bz2
import gzip
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

ROOT = Path(__file__).parents[2]
ZEROS = 300 << 20
"""Bytes that a bomb stands for."""
JSON = "Content-Type: application/json"


class Seen(NamedTuple):
    """What reading a case came to.

    `said`: the fault. `mebibytes`: growth of memory. `held`: the longest time the loop let nobody
    else run, in seconds of a processor. `seconds`: wall time.
    """

    said: str
    mebibytes: float
    held: float
    seconds: float


@cache
def squeezed(window: int) -> bytes:
    squeezer, part = zlib.compressobj(9, zlib.DEFLATED, window), bytes(1 << 20)
    return b"".join(squeezer.compress(part) for _ in range(ZEROS >> 20)) + squeezer.flush()


@cache
def twice() -> bytes:
    return gzip.compress(squeezed(31))


@cache
def zstd_bomb() -> bytes:
    """RFC 8878: one frame with a window of 2 MiB, of blocks that repeat one byte 128 Ki times."""
    blocks = [(128 << 10 << 3 | 1 << 1 | last).to_bytes(3, "little") + b"\0" for last in (0, 1)]
    return b"\x28\xb5\x2f\xfd\x00\x58" + blocks[0] * (ZEROS >> 17) + blocks[1]


@cache
def bz2_bomb() -> bytes:
    return bz2.compress(bytes(ZEROS // 30)) * 30


def whole(body: bytes, *headers: str, length: int | None = None) -> Iterator[bytes]:
    """A reply with a body, which may be of another length than it says."""
    named = [*headers, f"Content-Length: {len(body) if length is None else length}"]
    if not any(header.startswith("Content-Type") for header in headers):
        named.append(JSON)
    yield "\r\n".join(["HTTP/1.1 200 OK", *named, "Connection: close", "", ""]).encode() + body


def endless(head: str, part: bytes, pause: float = 0.0) -> Iterator[bytes]:
    yield f"HTTP/1.1 200 OK\r\n{JSON}\r\n{head}\r\n\r\n".encode()
    while True:
        yield part
        time.sleep(pause)


def dripping_headers() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(200):
        yield f"X-{number}: y\r\n".encode()
        time.sleep(0.1)


def coded(body: bytes, *codings: str) -> Iterator[bytes]:
    return whole(body, *(f"Content-Encoding: {coding}" for coding in codings))


CASES: dict[str, Callable[[], Iterator[bytes]]] = {
    "honest": lambda: coded(gzip.compress(b'{"x": 1}'), "gzip"),
    "gzip-bomb": lambda: coded(squeezed(31), "gzip"),
    "deflate-bomb": lambda: coded(squeezed(15), "deflate"),
    "raw-deflate-bomb": lambda: coded(squeezed(-15), "Deflate"),
    "gzip-members": lambda: coded(gzip.compress(bytes(100_000)) * 4000, "x-gzip"),
    "stacked": lambda: coded(twice(), "gzip, gzip"),
    "stacked-headers": lambda: coded(twice(), "gzip", "gzip"),
    "stacked-hundredfold": lambda: coded(b"x", ", ".join(["gzip"] * 1000)),
    "zstd-bomb": lambda: coded(zstd_bomb(), "zstd"),
    "brotli": lambda: coded(b"\x0b\x02\x80hello\x03", "br"),
    "unknown": lambda: coded(b"hello", "rot13"),
    "truncated": lambda: coded(gzip.compress(os.urandom(1000))[:-20], "gzip"),
    "damaged": lambda: coded(b"no gzip at all", "gzip"),
    "charset-bomb": lambda: whole(bz2_bomb(), "Content-Type: application/json; charset=bz2"),
    "deep": lambda: whole(b"[" * 2_000_000),
    "long": lambda: whole(bytes(100), length=10**15),
    "longer-than-numbers": lambda: whole(b"", "Transfer-Encoding: chunked", length=10**30),
    "short": lambda: whole(b'{"x": 1', length=1000),
    "endless": lambda: endless("X: y", b"a" * 65_536),
    "endless-crumbs": lambda: endless("Transfer-Encoding: chunked", b"1\r\na\r\n" * 500),
    "drip": lambda: endless("Content-Length: 100000", b"a", 0.1),
    "drip-headers": dripping_headers,
}


class Misbehaving:
    """Serves every case; `url` has no path."""

    def __init__(self) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                path = self.rfile.readline().split()[1].decode().partition("?")[0]
                self._take()
                try:
                    for part in CASES[path.split("/")[1]]():
                        self.wfile.write(part)
                except ConnectionError:
                    return

            def _take(self) -> None:
                """Read the request: a connection closed before would be reset."""
                length = 0
                while (line := self.rfile.readline().strip().lower()) != b"":
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.rfile.read(length)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def read_by(self, reader: str, cases: list[str]) -> dict[str, Seen]:
        """What a program that reads each case saw and took; `reader` is one of `readers.py`."""
        for bomb in (*map(squeezed, (31, 15, -15)), twice(), zstd_bomb(), bz2_bomb()):
            assert bomb  # made before anybody waits for it
        program = Path(__file__).with_name("readers.py")
        run = subprocess.run(
            [sys.executable, str(program), reader, self.url, *cases],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return {case: Seen(**seen) for case, seen in json.loads(run.stdout).items()}

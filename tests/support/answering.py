"""A real HTTP server on this machine, whose answers a test writes down.

with Answering([Reply(503, headers={"Retry-After": "0"}), Reply(body={"result": []})]) as server:
...                 # server.url, server.asked
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tools.services.remote import Service


@dataclass(frozen=True)
class Reply:
    """`body`: bytes and text as they are, anything else as JSON. `delay`: seconds before it."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0

    @property
    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


def hasty(service: Service, reply: Reply, seconds: float = 1.0) -> Service:
    """`service`, given up after `seconds` only if `reply` is late: a busy machine may be slow."""
    return replace(service, seconds=seconds) if reply.delay else service


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answering:
    """Gives `replies` in turn, the last one for ever; or what a function makes of the request.

    A server that died comes back at its `port`.
    """

    def __init__(
        self, replies: Sequence[Reply] | Callable[[Request], Reply], port: int = 0
    ) -> None:
        self._replies = replies
        self.asked: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        if callable(self._replies):
            return self._replies(request)
        return self._replies[min(len(self.asked), len(self._replies)) - 1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = dict(parse_qsl(parts.query))
                reply = answering.reply(Request(parts.path, query, dict(self.headers), body))
                time.sleep(reply.delay)
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.data)))
                    self.end_headers()
                    self.wfile.write(reply.data)
                except ConnectionError:  # whoever asked has gone
                    self.close_connection = True

            do_GET = do_POST = _answer

            def log_message(self, *_: Any) -> None:
                return None

        return Handler

"""The viewer over HTTP: on loopback, for whoever holds the token, and only to look.

`http.server` of the standard library is enough: one person asks, nothing is taken in, and what is
served as a file was read before the first request.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import shown
from agentflow_graph.terminal.viewer.access import HEADERS, HOST, Access
from agentflow_graph.terminal.viewer.answers import Answers, page_files

PATIENCE = 30
"""Seconds for which a connection may be idle."""
MOST_FIELDS = 20
"""Fields of a query."""
DATA = "/data/"


class Server(ThreadingHTTPServer):
    """Serves one folder at `http://127.0.0.1:PORT`.

    Args:
        port: 0 for any that is free.
        token: see `Access`.
        answers: the folder's data.

    Raises:
        SettingError: another program has the port.
    """

    daemon_threads = True
    # A port that another viewer has is refused, not shared.
    allow_reuse_port = False

    def __init__(self, port: int, token: str, answers: Answers) -> None:
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            raise SettingError(
                f"port {port} cannot be had ({error}); choose another by --port, 0 is any free one"
            ) from error
        self.port: int = self.server_address[1]
        self.access, self.answers, self.files = Access(self.port, token), answers, page_files()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nobody's fault, and nothing is told of it."""


class Handler(BaseHTTPRequestHandler):
    """One connection; only GET is known."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer, or refuse."""
        parts = urlsplit(self.path)
        data = parts.path.startswith(DATA)
        status, why = self.server.access.refusal(self._named(), data)
        if status:
            self._say(status, why)
        elif data:
            self._tell(parts.path.removeprefix(DATA), parts.query)
        elif known := self.server.files.get(parts.path):
            self._send(200, *known)
        else:
            self._say(404, "there is no such page; open the address that the viewer printed")

    def _named(self) -> dict[str, str]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in self.headers.items():
            found[name.lower()].append(value)
        return {name: ", ".join(values) for name, values in found.items()}

    def _tell(self, name: str, query: str) -> None:
        try:
            fields = dict(parse_qsl(query, max_num_fields=MOST_FIELDS))
            self._json(200, self.server.answers.data(name, fields))
        except KeyError:
            self._say(404, "there is no such data")
        except (SettingError, ValueError) as error:
            self._say(422, str(error))
        except sqlite3.Error as error:
            self._say(503, f"the index cannot be read ({error}); start the viewer anew")

    def _say(self, status: int, why: str) -> None:
        self._json(status, {"error": shown(why)})

    def _json(self, status: int, value: Any) -> None:
        self._send(status, "application/json", orjson.dumps(value))

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Nothing about what serves."""
        return "agentflow"

    def log_message(self, *_: Any) -> None:
        """Nothing: who looks at what is the looker's own."""

"""A real server that gives away what it was sent, and writes what drives terminals.

with Leaking("refuses") as server:
    ...        # server.model: a model string of it
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from answering import Answering, Reply, Request

SECRET = 'pl4nted/vault+key"4738'
"""Has what URLs, JSON and HTML write otherwise."""
HOSTILE = "\x1b]0;PWNED\x07\x1b[31mred\x1b[0m \x9b2J \u202egnp.exe \u2066x pay\u200bpal \ufeff!"
"""OSC and CSI, C1, directions, a character without width, a BOM."""
FORMS = (
    SECRET,
    quote(SECRET, safe=""),
    json.dumps(SECRET)[1:-1],
    base64.b64encode(f"someone:{SECRET}".encode()).decode(),
)
RAW = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff")


class Leaking(Answering):
    """`refuses`: an error that quotes the request's headers. `answers`: a reply with the same."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(self._told)

    @property
    def model(self) -> str:
        """The string of a model of this server."""
        return f"vllm:m@{self.url}"

    def _told(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = f"{headers.get('authorization', '')} {json.dumps(headers)}"
        leak = f"{HOSTILE} {' '.join(FORMS)} Basic {FORMS[-1]} {sent}"
        if self.kind == "refuses":
            return Reply(401, {"error": {"message": f"Incorrect API key provided: {leak}"}})
        text = (
            f"Context: 1 + 1\nSub-Goal: {leak}\nTool Name: wikipedia_search\n"
            f"<answer>{leak}</answer>"
        )
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        known = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
        return Reply(body={**known, "choices": [choice], "usage": usage})

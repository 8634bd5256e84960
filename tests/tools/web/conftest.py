"""Names by a table of the test's own; nothing may connect unless the test says so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from resolving import Names

from tools.web.guard import translated_in


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    table = Names()
    monkeypatch.setattr(socket, "getaddrinfo", table)
    translated_in.cache_clear()
    yield table
    translated_in.cache_clear()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[httpx.Request]]:
    """Requests that would have gone out; each gets an empty page."""
    sent: list[httpx.Request] = []

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, text="hello", stream=None)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    yield sent

"""What a server may cost whoever reads it: memory, the event loop, time. Measured in a process."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import pytest
from misbehaving import CASES, Misbehaving

from tools.services.bounds import MAX_BYTES, Bounded, bounded_get
from tools.services.faults import RemoteFault
from tools.services.remote import Service

pytestmark = pytest.mark.integration

TOO_MUCH, NOT_READ, DAMAGED = "sent more than 5 MB", "sent a body compressed as", "decompressed"
BROKEN, LATE = "cannot be reached (RemoteProtocolError)", "gave no answer in 3 s"
SAID = {
    "gzip-bomb": TOO_MUCH,
    "deflate-bomb": TOO_MUCH,
    "raw-deflate-bomb": TOO_MUCH,
    "gzip-members": TOO_MUCH,
    "stacked": f"{NOT_READ} 'gzip, gzip': only gzip or deflate, once, is read",
    "stacked-headers": f"{NOT_READ} 'gzip, gzip'",
    "stacked-hundredfold": f"{NOT_READ} 'gzip, gzip, gzip",
    "zstd-bomb": f"{NOT_READ} 'zstd'",
    "brotli": f"{NOT_READ} 'br'",
    "unknown": f"{NOT_READ} 'rot13'",
    "truncated": DAMAGED,
    "damaged": DAMAGED,
    "long": TOO_MUCH,
    "longer-than-numbers": BROKEN,
    "short": BROKEN,
    "endless": TOO_MUCH,
    "endless-crumbs": LATE,
    "drip": LATE,
    "drip-headers": LATE,
}
FIRST = ["gzip-bomb", "stacked", "zstd-bomb", "truncated"]
GARBAGE = ["charset-bomb", "deep"]
"""These are bodies of an allowed size; a service that promises JSON or XML has not kept it."""
READERS = ["tavily", "serper", "gemini", "mediawiki", "kiwix", "retrieval"]


def test_a_page_costs_no_more_than_its_bound() -> None:
    with Misbehaving() as server:
        seen = server.read_by("page", list(SAID))
    assert {case for case, one in seen.items() if SAID[case] not in one.said} == set()
    assert {case: one for case, one in seen.items() if one.mebibytes > 50} == {}
    assert {case: one for case, one in seen.items() if one.held > 0.5} == {}
    assert {case: one for case, one in seen.items() if one.seconds > 10} == {}


@pytest.mark.parametrize("case", ["charset-bomb", "deep"])
def test_an_odd_page_is_text_of_its_own_size(case: str) -> None:
    with Misbehaving() as server:
        seen = server.read_by("kept-page", [case])[case]
    assert seen.said.startswith("ok: Page(")
    assert seen.mebibytes < 50
    assert seen.held < 0.5


def test_what_lies_in_the_cache_is_bounded_too() -> None:
    with Misbehaving() as server:
        seen = server.read_by("kept-page", FIRST)
    assert {case for case, one in seen.items() if SAID[case] not in one.said} == set()
    assert {case: one for case, one in seen.items() if one.mebibytes > 50 or one.held > 0.5} == {}


@pytest.mark.parametrize("reader", READERS)
def test_a_service_costs_no_more_than_its_bound(reader: str) -> None:
    with Misbehaving() as server:
        seen = server.read_by(reader, [*FIRST, *GARBAGE])
    assert {case: seen[case].said for case in FIRST if SAID[case] not in seen[case].said} == {}
    for case in GARBAGE:
        assert seen[case].said.startswith("RemoteFault: Example answered")
    assert {case: one for case, one in seen.items() if one.mebibytes > 50 or one.held > 0.5} == {}


@pytest.mark.parametrize("reader", ["embeddings", "mcp"])
def test_services_with_a_larger_bound(reader: str) -> None:
    with Misbehaving() as server:
        seen = server.read_by(reader, ["gzip-bomb", "stacked"])
    assert "sent more than 50 MB" in seen["gzip-bomb"].said
    assert SAID["stacked"] in seen["stacked"].said
    assert {case: one for case, one in seen.items() if one.mebibytes > 200 or one.held > 0.5} == {}


@pytest.mark.parametrize("reader", ["openai", "policy"])
def test_a_server_of_models(reader: str) -> None:
    with Misbehaving() as server:
        seen = server.read_by(reader, ["gzip-bomb", "stacked", "endless"])
    for case in ("gzip-bomb", "endless"):
        assert "sent more than 20 MB" in seen[case].said
    assert SAID["stacked"] in seen["stacked"].said
    assert {case: one for case, one in seen.items() if one.mebibytes > 120 or one.held > 0.5} == {}


async def test_a_body_that_drips_ends_by_its_own_clock() -> None:
    with Misbehaving() as server:
        begun = time.monotonic()
        transport = Bounded(httpx.AsyncHTTPTransport(), MAX_BYTES, "Example", seconds=1)
        async with httpx.AsyncClient(transport=transport, timeout=5) as client:
            with pytest.raises(RemoteFault, match="Example did not end its answer in 1 s"):
                await client.get(f"{server.url}/drip")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("case", ["drip", "drip-headers"])
def test_one_get_has_one_deadline(case: str) -> None:
    with Misbehaving() as server:
        begun = time.monotonic()
        with pytest.raises(httpx.TimeoutException, match="the hub gave no whole answer in 1 s"):
            bounded_get(f"{server.url}/{case}", "the hub", seconds=1)
    assert time.monotonic() - begun < 5


async def test_a_large_answer_is_read_off_the_loop() -> None:
    seen = []

    class Told(httpx.Response):
        def json(self, **how: Any) -> Any:
            seen.append(threading.current_thread() is threading.main_thread())
            return super().json(**how)

    for size in (10, 200_000):
        found = await Service("Example").json(Told(200, content=json.dumps("x" * size)))
        assert found == "x" * size
    assert seen == [True, False]


@pytest.mark.parametrize("reader", ["models", "hub"])
def test_what_is_asked_before_training(reader: str) -> None:
    with Misbehaving() as server:
        seen = server.read_by(reader, FIRST)
    assert {case: seen[case].said for case in FIRST if SAID[case] not in seen[case].said} == {}
    assert {case: one for case, one in seen.items() if one.mebibytes > 50} == {}


def test_every_case_is_asserted() -> None:
    assert set(CASES) == {"honest", *SAID, *GARBAGE}

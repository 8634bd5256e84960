"""Calls to a service: a real server on this machine, real connections, real waiting."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from answering import Answering, Reply
from pydantic import SecretStr

from tools.services.remote import RemoteFault, Service
from tools.services.wire import retry_after

KEY = "sk-planted-0123456789"


async def asked(server: Answering, service: Service) -> httpx.Response:
    async with service.client(base_url=server.url) as client:
        return await service.call(lambda: client.get("/"))


async def fault_of(server: Answering, service: Service) -> RemoteFault:
    with pytest.raises(RemoteFault) as raised:
        await asked(server, service)
    return raised.value


def quick(**settings: object) -> Service:
    return Service("Example", rate=100.0, **settings)  # type: ignore[arg-type]


@pytest.mark.integration
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    with Answering([Reply(status), Reply(body="fine")]) as server:
        response = await asked(server, quick())
    assert response.text == "fine"
    assert len(server.asked) == 2


@pytest.mark.integration
@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (400, "error", "change the arguments"),
        (401, "unavailable", "set EXAMPLE_KEY"),
        (403, "unavailable", "set EXAMPLE_KEY"),
        (432, "unavailable", "set EXAMPLE_KEY"),
        (404, "error", "change the arguments"),
        (301, "unavailable", "check its address"),
    ],
)
async def test_what_will_not_pass_is_tried_once(status: int, kind: str, remedy: str) -> None:
    with Answering([Reply(status, headers={"Location": "/x"})]) as server:
        fault = await fault_of(server, quick(remedy="set EXAMPLE_KEY"))
    assert len(server.asked) == 1
    assert fault.result()["status"] == kind
    assert f"HTTP {status}" in str(fault)
    assert str(fault).endswith(remedy)


@pytest.mark.integration
@pytest.mark.parametrize(("status", "kind"), [(429, "unavailable"), (503, "unavailable")])
async def test_attempts_end(status: int, kind: str) -> None:
    with Answering([Reply(status)]) as server:
        fault = await fault_of(server, quick(attempts=3))
    assert len(server.asked) == 3
    assert fault.status == kind


@pytest.mark.integration
async def test_retry_after_is_obeyed() -> None:
    started = time.perf_counter()
    with Answering([Reply(429, headers={"Retry-After": "1"}), Reply(body="fine")]) as server:
        await asked(server, quick())
    assert time.perf_counter() - started >= 1.0


@pytest.mark.integration
async def test_a_service_that_asks_for_much_patience_is_left_alone() -> None:
    started = time.perf_counter()
    with Answering([Reply(429, headers={"Retry-After": "3600"})]) as server:
        fault = await fault_of(server, quick())
    assert len(server.asked) == 1
    assert time.perf_counter() - started < 1.0
    assert fault.wait == 3600
    assert "asks to wait 3600 s" in str(fault)


def test_retry_after_may_be_a_date_or_nonsense() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    found = retry_after({"retry-after": soon})
    assert found is not None
    assert 85 < found <= 90
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


@pytest.mark.integration
async def test_a_slow_service_is_a_timeout() -> None:
    with Answering([Reply(delay=1.0)]) as server:
        fault = await fault_of(server, quick(seconds=0.2, attempts=2))
    assert fault.status == "timeout"
    assert str(fault) == "Example gave no answer in 0.2 s: ask for less, or try later"


@pytest.mark.integration
async def test_nobody_there_is_unavailable() -> None:
    with Answering([Reply()]) as server:
        pass
    fault = await fault_of(server, quick(attempts=2))
    assert fault.status == "unavailable"
    assert "cannot be reached (ConnectError)" in str(fault)
    assert fault.result()["data"] == {"away": True}


@pytest.mark.integration
@pytest.mark.parametrize("body", ["<html>", "", "{", b"\xff\xfe\x00"])
async def test_garbage_is_named(body: str | bytes) -> None:
    service = quick()
    with Answering([Reply(body=body)]) as server:
        response = await asked(server, service)
    with pytest.raises(RemoteFault, match="no JSON"):
        await service.json(response)


@pytest.mark.integration
async def test_a_body_that_is_not_what_its_header_says() -> None:
    with Answering([Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"})]) as server:
        fault = await fault_of(server, quick())
    assert len(server.asked) == 1
    assert "cannot be decompressed" in str(fault)


@pytest.mark.integration
async def test_reading_stops_at_the_limit() -> None:
    with Answering([Reply(body=b"x" * 300_000)]) as server:
        fault = await fault_of(server, quick(max_bytes=100_000))
    assert fault.status == "error"
    assert "more than 0.1 MB" in str(fault)


@pytest.mark.integration
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": f"bad key {KEY}"}},
        {"detail": {"error": f"bad key {KEY}"}},
        {"detail": f"bad key {KEY}"},
        {"message": f"bad\nkey   {KEY}" + "x" * 5000},
    ],
)
async def test_what_the_service_says_is_short_and_without_the_key(body: object) -> None:
    with Answering([Reply(401, body)]) as server:
        fault = await fault_of(server, quick(key=SecretStr(KEY)))
    assert "bad key [hidden]" in str(fault)
    assert KEY not in str(fault)
    assert len(str(fault)) < 300


@pytest.mark.integration
async def test_calls_wait_for_the_rate() -> None:
    service = Service("Example", rate=20.0)
    with Answering([Reply()]) as server:
        started = time.perf_counter()
        async with service.client(base_url=server.url) as client:
            await asyncio.gather(*(service.call(lambda: client.get("/")) for _ in range(30)))
    # A burst of 20, then one every 50 ms.
    assert time.perf_counter() - started >= 0.4
    assert len(server.asked) == 30


def test_every_event_loop_has_a_limiter_of_its_own() -> None:
    service = quick()

    async def answer() -> str:
        return "fine"

    for _ in range(2):
        assert asyncio.run(service.call(answer)) == "fine"


async def test_cancelling_passes_through() -> None:
    service = quick()

    async def forever() -> None:
        await asyncio.sleep(60)

    call = asyncio.create_task(service.call(forever))
    await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

"""Names are judged by all they lead to, once, and connected to what was judged."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from answering import Answering, Reply
from resolving import Names

from tools.services.faults import RemoteFault
from tools.web.fetch import Fetcher
from tools.web.guard import translated_in

PUBLIC = "93.184.216.34"


async def refusal(url: str, **settings: Any) -> RemoteFault:
    with pytest.raises(RemoteFault) as raised:
        await Fetcher(**settings).fetch(url)
    return raised.value


@pytest.mark.parametrize("value", ["local", "local_test", "local_dev"])
@pytest.mark.parametrize("url", ["http://localhost/", "http://testserver/", "http://127.0.0.1/"])
async def test_the_environment_widens_nothing(
    url: str,
    value: str,
    names: Names,
    connected: list[httpx.Request],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names.table["testserver"] = [["127.0.0.1"]]
    monkeypatch.setenv("LANGCHAIN_ENV", value)
    await refusal(url)
    assert connected == []


@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "::1"],
        [PUBLIC, "100.64.3.2"],
        [PUBLIC, "169.254.169.254"],
        ["2606:2800:220:1::1", "fd00::1"],
        [PUBLIC, "::ffff:192.168.0.1"],
    ],
)
async def test_one_private_address_among_public_ones_is_enough(
    addresses: list[str], names: Names, connected: list[httpx.Request]
) -> None:
    names.table["mixed.example"] = [addresses]
    fault = await refusal("http://mixed.example/")
    assert connected == []
    assert "is refused" in str(fault)


async def test_a_name_that_changes_between_check_and_use_gains_nothing(
    names: Names, connected: list[httpx.Request]
) -> None:
    names.table["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    await Fetcher().fetch("https://rebind.example/page?q=1")
    (request,) = connected
    assert names.asked == ["rebind.example"]
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "rebind.example"
    assert request.extensions["sni_hostname"] == b"rebind.example"
    await refusal("https://rebind.example/page?q=1")


async def test_an_ipv6_address_is_pinned_too(names: Names, connected: list[httpx.Request]) -> None:
    names.table["six.example"] = [["2606:2800:220:1::1"]]
    await Fetcher().fetch("http://six.example:8080/")
    assert str(connected[0].url) == "http://[2606:2800:220:1::1]:8080/"


async def test_an_unknown_name_is_no_refusal(
    names: Names, connected: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "is not known" in str(await refusal("http://nothing.example/"))


async def test_no_network_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    fault = await refusal("http://nothing.example/")
    assert fault.status == "unavailable"
    assert "check the network connection" in str(fault)


@pytest.mark.integration
async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Reply(body="hello", headers={"Content-Type": "text/plain"})
    with Answering([page]) as proxy, Answering([page]) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await Fetcher(allowed_hosts=["127.0.0.1"]).fetch(server.url)
    assert proxy.asked == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("translator", "inner", "outer"),
    [
        ("2a01:600::c000:aa", "2a01:600::a00:1", "2a01:600::808:808"),
        ("2a01:600:1:2:c0:0:aa00:0", "2a01:600:1:2:a:0:100:0", "2a01:600:1:2:8:808:800:0"),
        ("2a01:600:1:c000:0:aa00::", "2a01:600:1:7f00:0:100::", "2a01:600:1:808:8:800::"),
        ("2a01:600:c000:aa::", "2a01:600:c0a8:101::", "2a01:600:808:808::"),
    ],
    ids=["96", "64", "48", "32"],
)
async def test_a_translator_of_the_network_leads_to_no_private_address(
    translator: str, inner: str, outer: str, names: Names, connected: list[httpx.Request]
) -> None:
    names.table["private.example"] = [[inner]]
    names.table["public.example"] = [[outer]]
    await Fetcher().fetch("http://private.example/")  # nobody translates: an address like any other
    connected.clear()
    names.table["ipv4only.arpa"] = [[translator]]
    translated_in.cache_clear()
    fault = await refusal("http://private.example/")
    assert connected == []
    assert "it leads to" in str(fault)
    await Fetcher().fetch("http://public.example/")
    assert len(connected) == 1

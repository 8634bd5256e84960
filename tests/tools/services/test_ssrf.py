"""No address that a model names leads to a private network: the promise of `tools.web.fetch`.

Names are resolved by a table of the test's own; nothing may connect unless the test says so.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from answering import Answering, Reply

from tools.services.faults import RemoteFault
from tools.web.fetch import Fetcher

PUBLIC = "93.184.216.34"
real = socket.getaddrinfo

REFUSED = [
    # loopback, in all spellings
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "http://127.8.8.8/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost.localdomain/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://127。0。0。1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://user:pass@127.0.0.1/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1\\@example.org/",
    # IPv4 inside IPv6
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    # link-local, unique local, site-local, multicast
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    # metadata services
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://169.254.170.2/",
    "http://100.100.100.200/",
    "http://metadata.google.internal/",
    "http://METADATA/",
    "http://kubernetes.default.svc.cluster.local/",
    # private, carrier-grade NAT, documentation, multicast, broadcast
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    # no http
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://example.org/",
    "data:text/html,hello",
    "javascript:alert(1)",
    "ws://example.org/",
    # no address
    "",
    " ",
    "example.org",
    "//127.0.0.1/",
    "http://",
    "http:///etc/passwd",
    "http://[::1",
    "http://a..b/",
    f"http://{'a' * 70}.org/",
    "http://exa mple.org/",
    "http://127.0.0.1\n.example.org/",
]


class Names:
    """Stands for the resolver: each look-up of a name takes the next of its lists of addresses.

    Numbers mean what they mean to the real one, and no other name is known.
    """

    def __init__(self) -> None:
        local = ("localhost", "localhost.", "localhost.localdomain")
        self.table: dict[str, list[list[str]]] = {name: [["127.0.0.1", "::1"]] for name in local}
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in self.table:
            return real(host, port, *args, **kwargs | {"flags": socket.AI_NUMERICHOST})
        self.asked.append(name)
        answers = self.table[name]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [one for address in found for one in real(address, port, type=socket.SOCK_STREAM)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    table = Names()
    monkeypatch.setattr(socket, "getaddrinfo", table)
    return table


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[httpx.Request]]:
    """Requests that would have gone out; each gets an empty page."""
    sent: list[httpx.Request] = []

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, text="hello", stream=None)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    yield sent


async def refusal(url: str, **settings: Any) -> RemoteFault:
    with pytest.raises(RemoteFault) as raised:
        await Fetcher(**settings).fetch(url)
    return raised.value


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_is_not_public_is_refused(
    url: str, names: Names, connected: list[httpx.Request]
) -> None:
    fault = await refusal(url)
    assert connected == []
    assert fault.status == "error"
    assert not fault.retry
    assert any(word in str(fault) for word in ("only public", "is not known"))


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
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/secret",
        "http://localhost:{port}/secret",
        "http://[::1]:{port}/secret",
        "http://2130706433:{port}/secret",
        "http://169.254.169.254/",
        "http://private.example:{port}/secret",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_x",
        "//127.0.0.2:{port}/secret",
    ],
)
async def test_a_redirect_to_a_private_place_is_refused(target: str, names: Names) -> None:
    names.table["private.example"] = [["127.0.0.1"]]
    with Answering(lambda request: Reply(302, headers={"Location": place})) as server:
        place = target.format(port=server.url.rsplit(":", 1)[1])
        fault = await refusal(f"{server.url}/start", allowed_hosts=["127.0.0.1"])
    assert [request.path for request in server.asked] == ["/start"]
    assert fault.status == "error"
    assert "only public" in str(fault)


@pytest.mark.integration
async def test_redirects_end() -> None:
    with Answering([Reply(302, headers={"Location": "/again"})]) as server:
        fault = await refusal(server.url, allowed_hosts=["127.0.0.1"])
    assert len(server.asked) == 6
    assert fault.status == "error"
    assert "redirects" in str(fault)


@pytest.mark.integration
async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Reply(body="hello", headers={"Content-Type": "text/plain"})
    with Answering([page]) as proxy, Answering([page]) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await Fetcher(allowed_hosts=["127.0.0.1"]).fetch(server.url)
    assert proxy.asked == []
    assert len(server.asked) == 1

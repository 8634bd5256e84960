"""Where a redirect may lead, and what a refusal says of where it led."""

from __future__ import annotations

from typing import Any

import pytest
from answering import Answering, Reply, Request
from resolving import Names

from tools.services.faults import RemoteFault
from tools.web.fetch import Fetcher


async def refusal(url: str, **settings: Any) -> RemoteFault:
    with pytest.raises(RemoteFault) as raised:
        await Fetcher(**settings).fetch(url)
    return raised.value


@pytest.mark.integration
@pytest.mark.parametrize(
    ("target", "named", "reason"),
    [
        ("http://127.0.0.2/secret", "http://127.0.0.2/secret", "this machine"),
        ("http://localhost/secret", "http://localhost/secret", "without a dot"),
        ("http://[::1]/secret", "http://[::1]/secret", "not an address of public hosts"),
        ("http://2130706433/secret", "http://2130706433/secret", "without a dot"),
        ("http://169.254.169.254/", "http://169.254.169.254/", "this link"),
        ("http://168.63.129.16/x?comp=1", "http://168.63.129.16/x", "Azure"),
        ("http://private.example/a", "http://private.example/a", "127.0.0.1: this machine"),
        ("http://me:hidden@10.0.0.1/", "http://10.0.0.1/", "a private network"),
        ("http://public.example:25/", "http://public.example:25/", "port 25 is none of the web's"),
        ("//10.1.2.3:8080/secret", "http://10.1.2.3:8080/secret", "a private network"),
        ("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "its scheme is 'file'"),
        ("gopher://127.0.0.1:70/_x", "gopher://127.0.0.1:70/_x", "its scheme is 'gopher'"),
        ("http://127.0.0.1:{port}/2", "http://10.9.9.9/", "a private network"),
    ],
)
async def test_a_redirect_to_a_private_place_is_refused_by_name(
    target: str, named: str, reason: str, names: Names
) -> None:
    names.table["private.example"] = [["127.0.0.1"]]
    names.table["public.example"] = [["93.184.216.34"]]

    def answer(request: Request) -> Reply:
        second = request.path == "/2"
        return Reply(302, headers={"Location": "http://10.9.9.9/" if second else place})

    with Answering(answer) as server:
        place = target.format(port=server.url.rsplit(":", 1)[1])
        fault = await refusal(f"{server.url}/start?q=1", allowed_hosts=["127.0.0.1"])
    assert {request.path for request in server.asked} <= {"/start", "/2"}
    assert fault.status == "error"
    assert str(fault).startswith(f"'{server.url}/start' leads to '{named}', which is refused (")
    assert reason in str(fault)
    assert "hidden" not in str(fault)
    assert str(fault).endswith("only public http and https pages can be read")


@pytest.mark.integration
@pytest.mark.parametrize(
    "target", ["http://xn--\xff.org/", "http://[::1", "http://a/" + "a" * 70_000]
)
async def test_a_redirect_to_no_address_is_no_broken_connection(target: str) -> None:
    with Answering([Reply(302, headers={"Location": target})]) as server:
        fault = await refusal(f"{server.url}/start", allowed_hosts=["127.0.0.1"])
    assert len(server.asked) == 1
    assert fault.status == "error"
    assert "leads to no valid address" in str(fault)


@pytest.mark.integration
async def test_redirects_end() -> None:
    with Answering([Reply(302, headers={"Location": "/again"})]) as server:
        fault = await refusal(server.url, allowed_hosts=["127.0.0.1"])
    assert len(server.asked) == 6
    assert fault.status == "error"
    assert "redirects" in str(fault)

"""No address that a model names leads to a private network."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import httpx
import pytest
from resolving import Names

from tools.services.faults import RemoteFault
from tools.web.addresses import refusal as reason
from tools.web.fetch import Fetcher

PUBLIC = "93.184.216.34"

REFUSED = [
    # loopback, in all spellings
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "http://127.0.0.1:8080/",
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
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b:1:7f00:0:100:808:808]/",
    "http://[2001:470:1:1:0:5efe:10.0.0.1]/",
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
    "http://168.63.129.16/metadata/instance",
    "http://192.0.0.192/opc/v1/instance/",
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
    # names of inner networks
    "http://localhost6/",
    "http://ip6-localhost/",
    "http://kubernetes/",
    "http://kubernetes.default.svc./",
    "http://metadata.google.internal./",
    "http://metadata.amazonaws.com/",
    "http://host.docker.internal./",
    "http://printer.local/",
    "http://router.home.arpa/",
    "http://wiki.LAN./",
    # ports that are none of the web's
    "http://93.184.216.34:0/",
    "http://93.184.216.34:22/",
    "http://93.184.216.34:25/",
    "http://93.184.216.34:6379/",
    "http://93.184.216.34:65535/",
    "https://93.184.216.34:99999999/",
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


SPECIAL = """
# IANA IPv4 Special-Purpose Address Registry, multicast, and what clouds keep for themselves
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/31 192.0.2.0/24 192.31.196.0/24
192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
168.63.129.16/32 161.26.0.0/16 166.8.0.0/14
# IANA IPv6 Special-Purpose Address Registry
::/128 ::1/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28
2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7
fe80::/10
# and what it does not list: compatible, SIIT, site-local, multicast, the 6bone, not given out
::/96 ::ffff:0:0:0/96 fec0::/10 ff00::/8 3ffe::/16 4000::/3 8000::/3 e000::/4 200::/7
# NAT64, 6to4, Teredo and ISATAP around private addresses
64:ff9b::10.0.0.0/104 64:ff9b::127.0.0.0/104 64:ff9b::169.254.0.0/112 64:ff9b::168.63.129.16/128
64:ff9b:1:7f00:0:100:808:808/128 64:ff9b:1:a00::/56 2002:7f00:1::/48 2002:a00::/24
2001:0:a00:1::/64 2a00:1450:4001:81b:0:5efe:192.168.0.0/112 2a00:1450:4001:81b:200:5efe:7f00:1/128
"""
BLOCKS = [
    block for line in SPECIAL.splitlines() if not line.startswith("#") for block in line.split()
]
GLOBAL = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255
128.0.0.1 168.63.129.15 168.63.129.17 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.1 192.0.3.0
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255
2001:200::1 2001:4860:4860::8888 2606:2800:220:1::1 2620:4f:7fff::1 2a00:1450:4001:81b::200e
2a00:1450:4001:81b:0:5efe:8.8.8.8 3fff:1000::1 64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("block", BLOCKS)
def test_no_address_of_a_special_range_is_public(block: str) -> None:
    first, _, length = block.rpartition("/")
    network = ip_network((ip_address(first), int(length)))
    for address in {network[0], network[network.num_addresses // 2], network[-1]}:
        assert reason(str(address)), address


@pytest.mark.parametrize("address", GLOBAL.split())
def test_what_lies_beside_a_special_range_is_public(address: str) -> None:
    assert reason(address) == ""


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "2606:2800:220:1::1%eth0"])
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    assert reason(text)


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


@pytest.mark.parametrize("port", [80, 443, 8000, 8080, 8443])
async def test_the_ports_of_the_web_are_open(
    port: int, names: Names, connected: list[httpx.Request]
) -> None:
    names.table["public.example"] = [[PUBLIC]]
    await Fetcher().fetch(f"http://public.example:{port}/")
    assert [request.url.host for request in connected] == [PUBLIC]

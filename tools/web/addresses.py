"""Which hosts and ports hold public pages: the judge of every address that a model or a page names.

    refusal("10.0.0.1")         # "a private network (RFC 1918)"
    refusal("93.184.216.34")    # "": it may be read

Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses and of special-use domain
names; for clouds, their documentation. Of IPv6 only 2000::/3 is given out (RFC 4291), so all else
is refused without being listed. Ranges that IANA calls global but where no page can be (AS112,
AMT, anycast of protocols) are refused too.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

PORTS = frozenset({80, 443, 8000, 8008, 8080, 8081, 8443, 8888})
"""Where web servers listen. At others a request could be read as one of another protocol."""

_IPV4 = {
    IPv4Network(block): reason
    for block, reason in {
        "0.0.0.0/8": "this network (RFC 791)",
        "10.0.0.0/8": "a private network (RFC 1918)",
        "100.64.0.0/10": "a provider's inner network (RFC 6598)",
        "127.0.0.0/8": "this machine (RFC 1122)",
        "161.26.0.0/16": "the inner services of a cloud (IBM)",
        "166.8.0.0/14": "the inner services of a cloud (IBM)",
        "168.63.129.16/32": "the host of a virtual machine (Azure)",
        "169.254.0.0/16": "this link, or a cloud's metadata (RFC 3927)",
        "172.16.0.0/12": "a private network (RFC 1918)",
        "192.0.0.0/24": "protocol assignments (RFC 6890)",
        "192.0.2.0/24": "documentation (RFC 5737)",
        "192.31.196.0/24": "AS112 (RFC 7535)",
        "192.52.193.0/24": "AMT (RFC 7450)",
        "192.88.99.0/24": "relays of 6to4 (RFC 7526)",
        "192.168.0.0/16": "a private network (RFC 1918)",
        "192.175.48.0/24": "AS112 (RFC 7534)",
        "198.18.0.0/15": "benchmarks of networks (RFC 2544)",
        "198.51.100.0/24": "documentation (RFC 5737)",
        "203.0.113.0/24": "documentation (RFC 5737)",
        "224.0.0.0/4": "multicast (RFC 5771)",
        "240.0.0.0/4": "reserved (RFC 1112)",
    }.items()
}
_GIVEN_OUT = IPv6Network("2000::/3")
_IPV6 = {
    IPv6Network(block): reason
    for block, reason in {
        "2001::/23": "protocol assignments, Teredo among them (RFC 2928)",
        "2001:db8::/32": "documentation (RFC 3849)",
        "2002::/16": "6to4 (RFC 3056)",
        "2620:4f:8000::/48": "AS112 (RFC 7534)",
        "3ffe::/16": "the former 6bone (RFC 3701)",
        "3fff::/20": "documentation (RFC 9637)",
    }.items()
}
_NAT64 = IPv6Network("64:ff9b::/96")
"""The translators' well-known prefix (RFC 6052): how public IPv4 is reached from IPv6 alone."""
_LENGTHS = (32, 40, 48, 56, 64, 96)
"""Bits a translator's prefix can have (RFC 6052, section 2.2)."""
_IPV4_ONLY = frozenset({IPv4Address("192.0.0.170"), IPv4Address("192.0.0.171")})
"""The addresses of ipv4only.arpa (RFC 7050)."""
_ISATAP = (0x00005EFE, 0x02005EFE)

_INNER = frozenset({"alt", "corp", "home", "home.arpa", "internal", "intranet", "invalid", "lan"})
_INNER |= {"local", "localdomain", "localhost", "onion", "private", "svc", "test"}
"""Last parts of names that no public host has; inside a network they lead to its services."""
_METADATA = frozenset({"metadata.amazonaws.com"})


def refused_name(host: str) -> str:
    """Why a host is refused for its name; empty if it is not, or is written in numbers."""
    name = host.lower().rstrip(".")
    if _number(name) is not None:
        return ""
    if "." not in name:
        return "a name without a dot is one of an inner network"
    parts = name.split(".")
    for ending in (parts[-1], ".".join(parts[-2:])):
        if ending in _INNER:
            return f"names that end in .{ending} are of inner networks"
    return "a cloud's metadata" if name in _METADATA else ""


def refused_port(port: int) -> str:
    """Why a port is refused; empty if it is not."""
    if port in PORTS:
        return ""
    return f"port {port} is none of the web's: {', '.join(map(str, sorted(PORTS)))}"


def refusal(address: str, translated: Iterable[IPv6Network] = ()) -> str:
    """Why a resolved address is refused; empty if it is not.

    `translated`: prefixes of this network's own translators, from `translators`.
    """
    found = _number(address)
    if found is None:
        return "no address"
    if isinstance(found, IPv4Address):
        return next((reason for block, reason in _IPV4.items() if found in block), "")
    inner = [_embedded(found, block.prefixlen) for block in translated if found in block]
    return _refused6(found) or next(filter(None, map(_within, inner)), "")


def translators(addresses: Iterable[str]) -> frozenset[IPv6Network]:
    """The prefixes behind which this network offers IPv4 (RFC 7050, section 3).

    `addresses`: those of IPv6 that its resolver gives for ipv4only.arpa; elsewhere it has none.
    """
    found = (number for text in addresses if isinstance(number := _number(text), IPv6Address))
    return frozenset(
        IPv6Network((int(address), length), strict=False)
        for address in found
        for length in _LENGTHS
        if _embedded(address, length) in _IPV4_ONLY
    )


def _refused6(address: IPv6Address) -> str:
    if address.scope_id is not None:
        return "an address of one link"
    inner = _embedded(address, 96)
    if address in _NAT64:
        return _within(inner)
    if address not in _GIVEN_OUT:
        return "not an address of public hosts (RFC 4291)"
    for block, reason in _IPV6.items():
        if address in block:
            return reason
    # A tunnel over the local network, whose prefix looks like any other (RFC 5214).
    return _within(inner) if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP else ""


def _embedded(address: IPv6Address, length: int) -> IPv4Address:
    """The IPv4 address after a prefix of `length` bits; the ninth octet is passed over."""
    octets = address.packed
    rest = octets[12:] if length == 96 else octets[length // 8 : 8] + octets[9:]
    return IPv4Address(rest[:4])


def _within(inner: IPv4Address) -> str:
    reason = refusal(str(inner))
    return f"it leads to {inner}, {reason}" if reason else ""


def _number(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None

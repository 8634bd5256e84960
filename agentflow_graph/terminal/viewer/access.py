"""Who may ask the viewer: Host, Origin and token are looked at before anything else.

A page in a browser can send requests to this machine: its Host is a name of its own (DNS
rebinding), or its Origin is. The token keeps out other users of the machine. It stands behind the
`#` of the address, which no browser sends, and comes back in a header, which no other page can set.
Sources: RFC 9110 (Host), RFC 6454 (Origin), RFC 6750 (bearer tokens).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

HOST = "127.0.0.1"
"""The only address that the viewer listens on."""
NAMES = (HOST, "localhost")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer: no script but the page's own, nothing from elsewhere, in nobody's frame."""


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


class Access:
    """What the server at `port` lets in.

    Args:
        port: of the server.
        token: that a request for data must bring.
    """

    def __init__(self, port: int, token: str) -> None:
        self._hosts = {f"{name}:{port}" for name in NAMES}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token = token

    def refusal(self, headers: Mapping[str, str], data: bool) -> tuple[int, str]:
        """Status and reason of a request that may not come in; (0, "") for any other.

        Args:
            headers: by name in lower case; of several with one name, all in one text.
            data: whether it asks for data of the folder, and not for the page itself.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if host.lower() not in self._hosts:
            return 421, f"Host {host[:80]!r} is not the viewer's; open the address that it printed"
        if origin is not None and origin.lower() not in self._origins:
            return 403, f"Origin {origin[:80]!r} is not the viewer's; open the address it printed"
        if data and not self._holds(headers):
            return 401, "the token is missing or wrong; open the address that the viewer printed"
        return 0, ""

    def _holds(self, headers: Mapping[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        return right and scheme.lower() == "bearer"

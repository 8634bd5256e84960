r"""Text as encoders leave it, read back with the place that each character came from.

    plain = decoded("pa%2Fss")        # plain.text == "pa/ss"; plain.span(2, 3) == (2, 5)

Known are percent-encoding, the escapes of JSON and of Python's repr, and entities of HTML.
"""

from __future__ import annotations

import base64
import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_to_bytes

# The set comes first, so that the search skips what begins no escape.
_ESCAPE = re.compile(
    r"[%\\&](?:(?<=%)[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"
    r"|(?<=\\)(?:u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|x[0-9A-Fa-f]{2}|[\"'\\/bfnrt])"
    r"|(?<=&)(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)"
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Decoded:
    """`text` with its escapes read; the pieces say where each part of it stood."""

    text: str
    starts: list[int]
    """Of each piece, in `text`."""
    spans: list[tuple[int, int]]
    """Of each piece, in the original. Pieces of equal length were not changed."""
    escaped: list[bool]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stood; an escape counts as a whole."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> tuple[int, int]:
        piece = bisect_right(self.starts, at) - 1
        begin, end = self.spans[piece]
        if self.escaped[piece]:
            return begin, end
        return begin + at - self.starts[piece], begin + at - self.starts[piece] + 1


def decoded(text: str) -> Decoded | None:
    """One layer of escapes read; None if there is none."""
    pieces: list[tuple[str, int, int, bool]] = []
    done = 0
    for match in _ESCAPE.finditer(text):
        if done < match.start():
            pieces.append((text[done : match.start()], done, match.start(), False))
        pieces.append((_read(match[0]), match.start(), match.end(), True))
        done = match.end()
    if not done:
        return None
    pieces.append((text[done:], done, len(text), False))
    starts, length = [], 0
    for part, *_ in pieces:
        starts.append(length)
        length += len(part)
    spans = [(begin, end) for _, begin, end, _ in pieces]
    return Decoded("".join(part for part, *_ in pieces), starts, spans, [one[3] for one in pieces])


def _read(escape: str) -> str:
    if escape[0] == "%":
        return unquote_to_bytes(escape).decode(errors="replace")
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] in "ux":
        codes = [int(code, 16) for code in re.findall(r"[ux]([0-9A-Fa-f]+)", escape)]
        units = b"".join(code.to_bytes(2, "big") for code in codes)
        return units.decode("utf-16-be", errors="replace")  # joins the halves of a pair
    return _SHORT.get(escape[1], escape[1])


def in_base64(secret: str) -> set[str]:
    """What base64 makes of `secret` wherever it stands: beside a user's name, inside a document."""
    forms = set()
    data = secret.encode(errors="replace")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data).decode()
        # Characters that hold bits of what stands before or after are left out.
        inner = coded[-(-8 * before // 6) : 8 * (before + len(data)) // 6]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


def forms_of(secret: str) -> set[str]:
    """`secret` as it may stand in a text, where reading escapes does not bring it back."""
    return {secret, " ".join(secret.split()), quote_plus(secret)}

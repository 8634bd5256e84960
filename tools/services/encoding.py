"""What a server says of its body: how it is compressed, and in which letters it is written.

    for piece in Inflater("gzip").feed(part):       # at most `PIECE` bytes each
        ...

A body of 3,400 bytes can stand for 4 GiB, so nothing is decompressed faster than it is counted:
zlib stops after `PIECE` bytes and goes on when it is asked. Read are gzip and deflate, once (RFC
9110, section 8.4.1); stacked and other codings are refused, for no client of ours asks for them.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator, Sequence

ACCEPTED = "gzip, deflate"
"""The header `Accept-Encoding` of every request."""
PIECE = 65_536
"""Bytes that are decompressed at once."""

_GZIP = 16 + zlib.MAX_WBITS
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}
_LONGEST_LABEL = 40
# Codecs of text that no page is written in: slow on purpose (punycode takes the square of the
# length), or without a way to replace what does not fit.
_ODD = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


class UnknownCoding(ValueError):
    """A body came in a coding that nobody asked for."""


def coding_of(values: Sequence[str]) -> str:
    """The one coding of a body; empty if it comes as it is.

    Args:
        values: what all headers `Content-Encoding` list, in their order.

    Raises:
        UnknownCoding: there are several, or one that is not read.
    """
    named = [value.strip().lower() for value in values]
    codings = [value for value in named if value not in ("", "identity")]
    if len(codings) > 1 or not set(codings) <= set(_WINDOWS):
        raise UnknownCoding(", ".join(codings))
    return codings[0] if codings else ""


class Inflater:
    """One body in `coding`, decompressed bit by bit.

    Raises:
        zlib.error: the body is damaged, or ends too early.
    """

    def __init__(self, coding: str) -> None:
        """`coding`: one that `coding_of` gave."""
        self._window = _WINDOWS[coding]
        self._stream = zlib.decompressobj(self._window)
        self._head = b""
        self._begun = self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for, in pieces of at most `PIECE` bytes."""
        if not self._begun:
            data = self._beginning(data)
        while self._begun:
            if self._ended:
                if not self._another(data):
                    return
                self._stream, self._ended = zlib.decompressobj(self._window), False
            piece = self._stream.decompress(data, PIECE)
            if piece:
                yield piece
            self._ended = self._stream.eof
            data = self._stream.unused_data if self._ended else self._stream.unconsumed_tail
            # A full piece may have left more inside zlib although all input is used up.
            if not data and len(piece) < PIECE:
                return

    def finish(self) -> None:
        """Nothing more comes."""
        if self._head or (self._begun and not self._ended):
            raise zlib.error("the body ends too early")

    def _beginning(self, data: bytes) -> bytes:
        """`data` once the first two bytes are known: "deflate" is sent with and without zlib's."""
        self._head += data
        if len(self._head) < 2:
            return b""
        data, self._head, self._begun = self._head, b"", True
        wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
        if self._window == zlib.MAX_WBITS and not wrapped:
            self._window = -zlib.MAX_WBITS
            self._stream = zlib.decompressobj(self._window)
        return data

    def _another(self, data: bytes) -> bool:
        """Does another member begin (RFC 1952, section 2.2)? What else follows is passed over."""
        return self._window == _GZIP and data.startswith(b"\x1f")


def text_codec(label: str) -> str:
    """Python's codec for a charset; empty for one that is unknown, or decodes no pages.

    Python also calls zlib, bz2 and rot13 codecs: those give no text, or far more than was sent.
    """
    try:
        codec = codecs.lookup(label if len(label) <= _LONGEST_LABEL else "")
    except (LookupError, ValueError):
        return ""
    return codec.name if codec._is_text_encoding and codec.name not in _ODD else ""

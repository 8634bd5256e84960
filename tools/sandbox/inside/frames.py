"""Messages on a pipe: four bytes of length (big-endian), then that much JSON in UTF-8.

os.write(fd, pack({"op": "run", "id": 1}))
frames = Frames(); frames.feed(os.read(fd, 65536)); list(frames)
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

_LENGTH = struct.Struct(">I")


def pack(message: dict[str, Any]) -> bytes:
    """One message as bytes. Lone surrogates in strings travel as JSON escapes."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Bytes in, whole messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        self._buffer += data

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Take out the messages that are complete."""
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield json.loads(body)

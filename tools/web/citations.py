"""Citations in a text, placed where Gemini's grounding says.

    cite("Zürich is large.", [(7, [0])])        # "Zürich[1] is large."

A segment's `end_index` counts *bytes* of the part's UTF-8 text, not characters
(ai.google.dev/api/generate-content, Segment), so one umlaut before it shifts a place counted in
characters by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

Support = tuple[int, Sequence[int]]
"""(byte offset where the supported text ends, numbers of its sources counted from 0)"""


def cite(text: str, supports: Iterable[Support]) -> str:
    """`text` with `[1][3]` after each supported segment; sources are shown counted from 1.

    An offset past the end means the end; one inside a character means the end of that character.
    """
    raw = text.encode("utf-8", "replace")
    places: dict[int, set[int]] = defaultdict(set)
    for offset, numbers in supports:
        places[_boundary(raw, offset)].update(numbers)
    parts, last = [], 0
    for place in sorted(places):
        parts += [
            raw[last:place].decode(),
            "".join(f"[{one + 1}]" for one in sorted(places[place])),
        ]
        last = place
    return "".join(parts) + raw[last:].decode()


def _boundary(raw: bytes, offset: int) -> int:
    offset = min(max(offset, 0), len(raw))
    # Bytes 10xxxxxx continue a character.
    while offset < len(raw) and raw[offset] & 0xC0 == 0x80:
        offset += 1
    return offset

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.outcomes.controls import visible
from tools.outcomes.result import SMALLEST_LIMIT, ok, shorten


@given(st.text(max_size=500), st.integers(SMALLEST_LIMIT, 300))
def test_bounded_is_short_printable_and_stable(text: str, limit: int) -> None:
    shown = shorten(text, limit)
    assert len(shown) <= limit
    assert visible(shown) == shown
    assert shorten(shown, limit) == shown
    shown.encode()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=400))
def test_bounded_counts_what_it_left_out(text: str) -> None:
    shown = shorten(text, 100)
    if len(text) <= 100:
        assert shown == text
        return
    head, note, tail = shown.split("\n")
    left_out = int(note.split()[1])
    assert len(head) + left_out + len(tail) == len(text)
    assert text.startswith(head)
    assert text.endswith(tail)


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="limit=10"):
        shorten("text", 10)


def test_a_result_is_a_plain_record() -> None:
    assert ok("4", 0.5) == {"status": "ok", "text": "4", "seconds": 0.5}

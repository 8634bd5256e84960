"""Passages out of articles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.wiki.passage import Passage
from tools.wiki.ranking import SIZE, best, split


@given(st.text(alphabet="ab .\n=é", max_size=2000), st.integers(1, 20))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str, size: int) -> None:
    pieces = split(Passage("T", text.replace("=", "")), size)
    assert all(1 <= len(piece.text.split()) <= size for piece in pieces)
    told = [word for piece in pieces for word in piece.text.split()]
    assert [w for w in told if w.strip(".")] == [
        w for w in text.replace("=", "").split() if w.strip(".")
    ]


def test_pieces_end_where_paragraphs_and_sentences_end() -> None:
    text = "== Head ==\n" + "One two three. " * 20 + "\nA short paragraph."
    assert [piece.text for piece in split(Passage("T", text), 8)][:2] == [
        "One two three. One two three.",
        "One two three. One two three.",
    ]
    assert split(Passage("T", text), 8)[-1].text == "A short paragraph."


async def test_the_piece_that_fits_comes_first() -> None:
    filler = " ".join(["word"] * SIZE)
    long = Passage("A", f"{filler}\nthe mayor is Luis\n{filler}", "u")
    found = await best("mayor", [Passage("B", "about nothing"), long], 2)
    assert found == [Passage("A", "the mayor is Luis", "u")]


@pytest.mark.parametrize("query", ["zzz", ""])
async def test_without_a_shared_word_articles_begin(query: str) -> None:
    articles = [Passage("A", "one. " * 150), Passage("B", "two"), Passage("C", "")]
    assert [piece.title for piece in await best(query, articles, 5)] == ["A", "B"]


async def test_no_text_gives_nothing() -> None:
    assert await best("x", [], 3) == []
    assert await best("x", [Passage("A", " \n ")], 3) == []

"""Citations by bytes: they stand behind their segment and change no other text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.web.citations import cite

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="[]"), max_size=200)


@given(TEXTS, st.data())
def test_a_citation_stands_right_behind_its_segment(text: str, data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True))
    supports = [(len(text[:end].encode()), [number]) for number, end in enumerate(ends)]
    cited = cite(text, data.draw(st.permutations(supports)))
    for number, end in enumerate(ends):
        before, _, after = cited.partition(f"[{number + 1}]")
        plain = before
        for other in range(len(ends)):
            plain = plain.replace(f"[{other + 1}]", "")
        assert plain == text[:end]
        assert after or end == len(text)


@given(TEXTS, st.lists(st.tuples(st.integers(-5, 900), st.lists(st.integers(0, 9), max_size=3))))
def test_any_offset_keeps_the_text_whole(text: str, supports: list[tuple[int, list[int]]]) -> None:
    cited = cite(text, supports)
    for number in range(10):
        cited = cited.replace(f"[{number + 1}]", "")
    assert cited == text

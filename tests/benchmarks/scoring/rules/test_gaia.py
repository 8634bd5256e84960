"""GAIA's rule: numbers, lists and strings."""

import pytest
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.scoring.scorers import Answer, gaia


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("17", "The answer is 17"),
        ("17", "17.0"),
        ("1234", "1,234"),
        ("1234.5", "$1,234.50"),
        ("89706.00", "<answer>89706.00</answer>"),
        ("0.269", "26.9e-2"),
        ("50", "50%"),
        ("3, Paris", "3.0;paris"),
        ("b, e", "B,E"),
        ("Saint Petersburg", "saint petersburg."),
        ("St. Petersburg", "St Petersburg"),
        ("sea gull", "Seagull"),
        ("?!", "?!"),
        ("1e3", "1_000"),  # the official rule: what Python's float takes for equal
        ("100000000000000001", "100000000000000000"),
    ],
)
def test_right_answers(gold: str, reply: str) -> None:
    assert gaia(gold, reply).value == 1.0


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("17", "18"),
        ("17", "seventeen"),
        ("17", ""),
        ("17", "nan"),
        ("1,234", "1234"),  # the official rule: a gold with a comma is a list
        ("3, Paris", "3"),
        ("3, Paris", "Paris, 3"),
        ("3, Paris", "3, Paris, Rome"),
        ("a-b, c", "ab, c"),  # in a list punctuation counts
        ("Paris", "Paris, France"),
        ("?!", ""),
    ],
)
def test_wrong_answers(gold: str, reply: str) -> None:
    assert gaia(gold, reply).value == 0.0


@given(texts)
def test_any_gold_scores_1_on_itself(text: str) -> None:
    assume(text.strip(" \t\r\n,;"))
    assume(text.strip() and text.strip().lower() != "nan")
    assert gaia(text, Answer(text, "answer_tag")).value == 1.0


@given(texts, texts)
def test_no_reply_raises(gold: str, reply: str) -> None:
    assume(gold.strip(" \t\r\n,;"))
    assert gaia(gold, reply).value in (0.0, 1.0)


@given(st.integers(-(2**52), 2**52), st.integers(1, 2**52))
def test_another_number_is_wrong(number: int, more: int) -> None:
    assert gaia(str(number), f"<answer>{number:,}</answer>").value == 1.0
    assert gaia(str(number), f"<answer>{number + more}</answer>").value == 0.0


@pytest.mark.parametrize("gold", ["", " ", ",", " ; "])
def test_a_gold_without_text_is_an_error(gold: str) -> None:
    with pytest.raises(ValueError, match="repair the data set"):
        gaia(gold, "x")

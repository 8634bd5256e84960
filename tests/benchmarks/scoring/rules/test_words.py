"""Open questions: usual spellings count, others do not."""

import pytest
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.scoring.scorers import SCORERS, Answer, words


@pytest.mark.parametrize(
    ("gold", "reply"),
    [
        ("20 June 1837", "June 20, 1837"),
        ("20 June 1837", r"\boxed{\text{June 20, 1837}}"),
        ("20 June 1837", "the 20th of June, 1837."),
        ("20 June 1837", "Tuesday, 20 Jun. 1837"),
        ("September 13, 1993", "13 Sept 1993"),
        ("5 January 1964", "1964-01-05"),
        ("A.P. Møller", "A. P. Møller"),
        ("B. V. Radha", "B.V. Radha"),
        ("Lawrence Hilton - Jacobs", "Lawrence Hilton-Jacobs"),
        ("Cats & Dogs", "cats and dogs"),
        ("S*P*Y*S", "SPYS"),
        ("92 percent", "92%"),
        ("two", "2"),
        ("$72,641", "72641"),
        ("10.8", "It is 10.8.\nThe answer is 10.8."),
        ("1943–1992", "1943-1992"),
        ("Michael Bublé", "Michael Buble"),
        ("Aloha ʻOe", "Aloha 'Oe"),
        ("U.S.", "US"),
        ("The African Queen", "I think <answer>African Queen</answer>"),
        ("yes", "Yes, both are."),
        ("no", "No."),
        ("the", "The"),
        ("?!", "?!"),
    ],
)
def test_usual_spellings(gold: str, reply: str) -> None:
    assert words(["something else", gold], reply).value == 1.0
    assert words([gold], reply).f1 == 1.0


@pytest.mark.parametrize(
    ("gold", "reply", "f1"),
    [
        ("20 June 1837", "June 21, 1837", 2 / 3),
        ("20 June 1837", "20 July 1837", 2 / 3),
        ("10.8", "108", 0.0),
        ("-5", "5", 0.0),
        ("C++", "C", 0.0),
        ("Titan IIIE", "the Titan rocket", 0.5),
        ("yes", "no", 0.0),
        ("yes", "Yes and no", 0.0),
        ("no", "No one knows", 0.0),
        ("yes it is", "yes", 0.0),
        ("London", "London, England", 2 / 3),
        ("Paris", "", 0.0),
        ("?!", "", 0.0),
    ],
)
def test_other_answers_and_their_overlap(gold: str, reply: str, f1: float) -> None:
    score = words([gold], reply)
    assert score.value == 0.0
    assert score.f1 == pytest.approx(f1)


def test_the_best_overlap_counts() -> None:
    assert words(["James Madison", "Madison"], "president Madison").f1 == pytest.approx(2 / 3)


def test_it_is_said_where_the_answer_was_read() -> None:
    score = words(["Paris"], "Rome?\n<answer>Lyon</answer>")
    assert (score.value, score.answer, score.rule, score.f1) == (0.0, "Lyon", "answer_tag", 0.0)
    assert words(["Paris"], "**Answer: paris**").rule == "answer_line"


@given(texts, texts)
def test_any_gold_scores_1_on_itself(text: str, other: str) -> None:
    assume(text.strip() and other.strip())
    score = words([other, text], Answer(text, "answer_tag"))
    assert (score.value, score.f1) == (1.0, 1.0)


@given(texts, texts)
def test_no_reply_raises(gold: str, reply: str) -> None:
    assume(gold.strip())
    score = words([gold], reply)
    assert score.value in (0.0, 1.0)
    assert score.f1 is not None and 0.0 <= score.f1 <= 1.0


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_another_number_is_wrong(number: int, more: int) -> None:
    for wrong in (f"{number + more}", f"{number + more:,}", f"<answer>{number}.5</answer>"):
        assert words([str(number)], wrong).value == 0.0


@pytest.mark.parametrize("golds", [[], [""], ["Paris", " \n"]])
def test_a_gold_without_text_is_an_error(golds: list[str]) -> None:
    with pytest.raises(ValueError, match="repair the data set"):
        words(golds, "Paris")


@pytest.mark.parametrize(
    "fragment", ["1.", "1", "a ", "-", "\u0301", "yes ", "1,", "<answer>", " "]
)
def test_long_replies_do_not_hang(fragment: str) -> None:
    assert words(["4821"], fragment * 50_000).value == 0.0


def test_scorers_go_by_name() -> None:
    assert set(SCORERS) == {"exact", "words", "maths", "gaia"}
    for name, scorer in SCORERS.items():
        assert scorer(["7", "33"], "<answer>33</answer>").value == 1.0, name
        assert scorer(["7", "33"], "<answer>34</answer>").value == 0.0, name
        with pytest.raises(ValueError, match="repair the data set"):
            scorer([], "33")

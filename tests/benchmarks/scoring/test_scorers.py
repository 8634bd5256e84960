"""Scorers: examples of each rule, and properties that hold for any text."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.scoring.scorers import Answer, exact, normalise

# Plain text rarely meets the rules; these fragments do.
fragments = st.sampled_from(
    [
        *("<answer>", "</answer>", "<ANSWER>", r"\boxed{", "{", "}", r"\}", "\\", "\n"),
        *("the ", "a ", "1,234", ".0", ".", ",", " ", "-", "_", "7"),
        *("\u2212", "\u00df", "\u0130", "\uff11", "\u00a0"),
    ]
)
texts = st.text() | st.lists(fragments | st.characters()).map("".join)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  The  Old\nHarbor. ", "old harbor"),
        ('**"Mira Voss"**', "mira voss"),
        ("A", "a"),
        ("the A.", "a"),
        ("Vitamin A", "vitamin a"),
        ("1,234,567.00", "1234567"),
        ("1,23", "1,23"),
        ("1,2345", "1,2345"),
        ("7.0", "7"),
        ("7.0.0", "7.0.0"),
        ("7.05", "7.05"),
        (".5", ".5"),
        ("-5.", "-5"),
        ("\u22125", "-5"),
        ("50%", "50%"),
        ("C#", "c#"),
        ("\uff11\uff12", "12"),
        ("Stra\u00dfe", "strasse"),
        ("[1, 2)", "[1, 2)"),
        ("...", ""),
    ],
)
def test_normalise(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(texts)
def test_normalise_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(texts)
def test_any_gold_scores_1_on_itself(text: str) -> None:
    assume(normalise(text))
    read = Answer(text, "answer_tag")
    assert exact(text, read).value == 1.0
    assert exact([text + "x", text], read).value == 1.0


@given(texts)
def test_a_reply_never_raises(reply: str) -> None:
    assert exact("4821", reply).value in (0.0, 1.0)


def test_exact_says_what_it_compared() -> None:
    score = exact("1234", "So it is <answer>1,234.0</answer>")
    assert (score.value, score.answer, score.rule) == (1.0, "1,234.0", "answer_tag")
    score = exact("1234", "No idea.\nMaybe 1235")
    assert (score.value, score.answer, score.rule) == (0.0, "Maybe 1235", "last_line")
    assert exact("Old Harbor", "old harbor").rule == "last_line"
    assert exact("Old Harbor", "").rule == "empty"


def test_exact_accepts_any_of_several_golds() -> None:
    assert exact(["UK", "United Kingdom"], "The United Kingdom.").value == 1.0
    assert exact(("UK", "United Kingdom"), "Kingdom").value == 0.0


@pytest.mark.parametrize("gold", ["", " . ", [], ["Paris", ""]])
def test_empty_gold_is_an_error(gold: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"is empty after normalise.*repair the data set"):
        exact(gold, "Paris")


@pytest.mark.parametrize(
    "fragment",
    [r"\boxed{", "<answer>", "</answer>", "{", "1,", "1,234", "the ", "the _", "0", "1.0"],
)
def test_long_hostile_replies_do_not_hang(fragment: str) -> None:
    assert exact("4821", fragment * 50_000).value == 0.0

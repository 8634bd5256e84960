"""Multiple choice: letter, text or both; nothing is guessed."""

import pytest
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.scoring.scorers import choice, normalise

DRUGS = ["Succinylcholine", "Inhaled ipratropium and oxygen", "Atropine and pralidoxime", "Oxygen"]
GOLD = DRUGS[2]


@pytest.mark.parametrize(
    "reply",
    [
        *("C", "c", "(C)", "C.", "C)", "[C]", "option C", "Option C.", "**C**", "$C$", "C:"),
        *(r"\boxed{C}", r"\boxed{\text{(C)}}", r"\textbf{(C)}", "<answer>C</answer>"),
        *("The answer is C.", "The correct option is (C).", "Answer: C", "So the best choice is C"),
        *(GOLD, GOLD.upper(), GOLD + ".", f"C. {GOLD}", f"C) {GOLD}", f"(C) {GOLD}", f"C: {GOLD}"),
        *(f"**C. {GOLD}**", f"Option C: {GOLD}", f"{GOLD} (C)", "C. Atropine"),
        *("A or B?\n<answer>C</answer>", f"Not A.\nC. {GOLD}", f"C - {GOLD}", f"C \u2014 {GOLD}"),
        *("The answer is C because the others are no antidotes.", f"C. {GOLD} (an antidote)"),
        *(rf"\boxed{{\textbf{{(C)}}\ {GOLD}}}", f"```\nC. {GOLD}\n```"),
    ],
)
def test_letter_text_or_both(reply: str) -> None:
    labelled = [f"{letter}. {text}" for letter, text in zip("ABCD", DRUGS, strict=True)]
    assert choice(DRUGS, GOLD, reply).value == 1.0
    assert choice(labelled, GOLD, reply).value == 1.0
    assert choice(labelled, labelled[2], reply).value == 1.0


@pytest.mark.parametrize(
    "reply",
    [
        *("", "A", "B", "(D)", "E", "Z.", "C or D", "(C) and (D)", "C, D", "not C", "C is wrong"),
        *("I do not know", "C. Oxygen", f"D. {GOLD}", "D) Atropine and pralidoxime", "Oxygen (C)"),
        *("Atropine", "C\nActually it is hard to say", "<answer></answer>", "choline", "and"),
        *("pralidoxime and atropine", f"{GOLD} {DRUGS[0]}", "C) is not right"),
        *("\u0130", "(\u017f)", f"C. {GOLD} (or {DRUGS[0]})", f"A - {GOLD}", "I, because C is"),
    ],
)
def test_wrong_or_unreadable_answers(reply: str) -> None:
    assert choice(DRUGS, GOLD, reply).value == 0.0


def test_the_first_option_is_not_the_refuge() -> None:
    for reply in ("", "?", "None of them", "b c", "Sux"):
        assert choice(DRUGS, DRUGS[0], reply).value == 0.0


def test_options_with_the_same_text_are_right_together() -> None:
    options = ["0.9", "0.5", "0.9", "0.1"]
    assert [choice(options, "0.9", letter).value for letter in "ABCD"] == [1.0, 0.0, 1.0, 0.0]
    assert choice(options, "0.9", "C. 0.9").value == 1.0


def test_a_letter_beats_a_text_that_is_a_letter() -> None:
    assert choice(["VII", "X", "C", "A"], "X", "X").value == 1.0
    assert choice(["VII", "X", "C", "A"], "C", "C").value == 1.0
    assert choice(["VII", "X", "C", "A"], "A", "A").value == 0.0


def test_options_that_normalise_alike_stay_apart() -> None:
    assert choice(["5", "5!"], "5!", "5").value == 0.0
    assert choice(["5", "5!"], "5!", "5!").value == 1.0
    assert choice(["...", "x y"], "...", "...").value == 1.0


def test_a_name_that_begins_like_a_label() -> None:
    assert choice(["A. fumigatus", "Candida"], "A. fumigatus", "A. fumigatus").value == 1.0
    assert choice(["A. fumigatus", "Candida"], "A. fumigatus", "fumigatus").value == 0.0


def test_impossible_golds_are_errors() -> None:
    with pytest.raises(ValueError, match=r"gold='Ketamine' is none of the choices"):
        choice(DRUGS, "Ketamine", "A")
    with pytest.raises(ValueError, match="27 choices"):
        choice([str(n) for n in range(27)], "3", "A")


options = st.lists(
    texts.map(str.strip).filter(lambda t: len(normalise(t)) > 1), min_size=2, max_size=6
)


@given(options, st.data())
def test_the_gold_scores_1_and_other_letters_0(texts: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    gold, letters = texts[place], "ABCDEF"[: len(texts)]
    try:
        right = [choice(texts, gold, letter).value for letter in letters]
    except ValueError:  # gold with a label that is its own beside options without
        assume(False)
    assert right[place] == 1.0
    for other, text in enumerate(texts):
        if normalise(text) != normalise(gold):
            assert right[other] == 0.0


@given(texts)
def test_no_reply_raises(reply: str) -> None:
    assert choice(DRUGS, GOLD, reply).value in (0.0, 1.0)


@pytest.mark.parametrize("fragment", ["(", "C. ", "option ", r"\text{", " ", "(C)"])
def test_long_replies_do_not_hang(fragment: str) -> None:
    assert choice(DRUGS, GOLD, fragment * 50_000).value == 0.0


def test_a_letter_beside_an_option_that_is_longer_by_an_aside_names_neither() -> None:
    drugs = ["Iron", "Iron (slow release)"]
    assert choice(drugs, "Iron", "A. Iron (slow release)").value == 0.0
    assert choice(drugs, "Iron (slow release)", "B. Iron (slow release)").value == 1.0

"""The one reader: whatever is wrapped around an answer comes off, and a mention is no answer."""

from __future__ import annotations

import time

import pytest
from hostile import texts
from hypothesis import given, settings
from wrapped import mentioned, nested, wrapped

from agentflow_graph.replies.answer import final_answer, read_answer
from benchmarks.scoring.scorers import SCORERS


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("reply", "text", "where"),
    [
        ("I think\n<answer> Paris </answer> bye", "Paris", "answer_tag"),
        ("<answer>1</answer> no, <Answer>2\n3</ANSWER>", "2\n3", "answer_tag"),
        ("<answer>1</answer> and <answer>2", "2", "answer_tag"),
        ("<answer><answer>4</answer></answer>", "4", "answer_tag"),
        (r"\boxed{1} <answer>2</answer>", "2", "answer_tag"),
        ("</answer>x<answer>\ny", "y", "answer_tag"),
        ("<answer>X</answer> (between <answer> and </answer> as asked)", "X", "answer_tag"),
        ("<answer>X</answer>\n<answer></answer>", "X", "answer_tag"),
        (r"<answer>So it is \boxed{B}.</answer>", "B", "answer_tag"),
        ("<answer>X\n\nI hope this helps", "X", "answer_tag"),
        ("<answer><b>X</b>", "X", "answer_tag"),
        ("<answer><B>X</b", "X", "answer_tag"),
        ("<answer>\n<span class='a'><i>X", "X", "answer_tag"),
        ("<answer>x<sub>2</sub>", "x<sub>2</sub>", "answer_tag"),
        ("<answer>X</answr>", "X", "answer_tag"),
        ("<answer><B>X</b> and Y", "<B>X</b> and Y", "answer_tag"),
        ('{"answer": "X"}', "X", "last_line"),
        (r"so \boxed{\frac{1}{2}} and {3}", r"\frac{1}{2}", "boxed"),
        (r"\boxed{1} then \boxed {2}", "2", "boxed"),
        (r"\boxed{1} and $\boxed{2}$", "1, 2", "boxed"),
        (r"\boxed{41} \boxed{42} \boxed{43}", "43", "boxed"),
        (r"\boxed{\boxed{4}}", "4", "boxed"),
        (r"\boxed{1} then \boxed{2", "1", "boxed"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}", "boxed"),
        (r"\boxed{\text{Old Harbor}}", "Old Harbor", "boxed"),
        ("**Answer:** X\n\nExplanation: it is so.", "X", "answer_line"),
        ("### Final Answer:\n\nX\n\nIt is so.", "X", "answer_line"),
        ("The answer is:\n\n$$\nX + 1\n$$\n", "X + 1", "answer_line"),
        ("The answer is J. K. Rowling. She wrote it.", "J. K. Rowling", "answer_line"),
        ("The answer is Paris because it is the capital.", "Paris", "answer_line"),
        ("The answer is 41. Wait, no, 42.", "41. Wait, no, 42", "answer_line"),
        ("The answer is 41. The answer is 42.", "42", "answer_line"),
        ("Antwort: Paris", "Paris", "answer_line"),
        ("Paris is the correct answer.", "Paris", "answer_line"),
        ("So we get **42**.", "42", "last_line"),
        ("first\n second \n\n", "second", "last_line"),
        ("Paris.\n\nI hope this helps! Let me know.", "Paris", "last_line"),
        ("The code:\n```\n7\n```\n", "7", "last_line"),
        ("It is\n\u2193 \u2191 \u2193\n---", "\u2193 \u2191 \u2193", "last_line"),
        ("<think>It is <answer>Rome</answer></think>Paris", "Paris", "last_line"),
        ("Rome?</think>Paris", "Paris", "last_line"),
        ("<think>Rome", "", "empty"),
        (
            "<|channel|>analysis<|message|>Rome<|end|><|start|>assistant<|channel|>final"
            "<|message|>Paris<|return|>",
            "Paris",
            "last_line",
        ),
        ("<answer></answer>", "", "empty"),
        ("Answer:", "", "empty"),
        (" \n\t", "", "empty"),
        ("", "", "empty"),
    ],
)
def test_where_answers_stand(reply: str, text: str, where: str) -> None:
    assert read_answer(reply) == (text, where)


@given(wrapped())
@settings(max_examples=400)
def test_any_nesting_of_wrappings_around_an_answer_reads_the_answer(pair: tuple[str, str]) -> None:
    gold, reply = pair
    assert one_line(read_answer(reply).text) == gold
    assert SCORERS["words"]([gold], reply).value == 1.0


@given(nested())
def test_a_mark_within_a_tag_reads_the_answer(pair: tuple[str, str]) -> None:
    gold, reply = pair
    assert read_answer(reply) == (gold, "answer_tag")


@given(mentioned())
@settings(max_examples=200)
def test_text_that_mentions_an_answer_does_not_give_it(pair: tuple[str, str]) -> None:
    gold, reply = pair
    for name in ("words", "exact", "gaia"):
        assert SCORERS[name]([gold], reply).value == 0.0


@given(texts)
def test_reading_never_raises_and_finds_nothing_in_blank_text_alone(reply: str) -> None:
    text, where = read_answer(reply)
    assert (where == "empty") <= (not text)
    assert isinstance(final_answer(reply), str)


@given(wrapped())
def test_what_a_person_is_shown_reads_the_same(pair: tuple[str, str]) -> None:
    _, reply = pair
    assert one_line(read_answer(final_answer(reply)).text) == one_line(read_answer(reply).text)


def test_a_person_is_shown_the_whole_of_a_reply_that_marks_no_answer() -> None:
    report = "Paris is the capital.\n\nIt lies on the Seine."
    assert final_answer(f"<think>hm</think>{report}\n") == report


@pytest.mark.parametrize(
    "fragment",
    [
        *(
            "<answer>",
            "</answer>",
            r"\boxed{",
            "{",
            "**",
            "*",
            '"',
            "`",
            "<b>",
            "<think>",
            "</think>",
        ),
        *(
            "The answer is ",
            "answer: ",
            "So, ",
            "so the ",
            "\n",
            " ",
            "$",
            r"\text{",
            "> ",
            "a.b ",
            "<",
        ),
        *(
            "I hope ",
            ". I hope",
            "Based on a ",
            "\\(",
            "1. ",
            "the answer to the a ",
            "<br>",
            "<p",
            "_",
        ),
        *("&lt;", "is **a** ", "so is ", "answer", "```\n", r"\begin{align}"),
    ],
)
def test_long_replies_are_read_in_no_time(fragment: str) -> None:
    begun = time.process_time()
    for text in (fragment * 20_000, fragment * 900 + "x", f"<answer>{fragment * 900}"):
        read_answer(text)
        final_answer(text)
    assert time.process_time() - begun < 4

"""Every benchmark reads both forms of its rows, and means the same items by them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import rows

from benchmarks.items.item import Benchmark, Item
from benchmarks.items.wording import fingerprint, format_question, strip_instruction, strip_letter
from benchmarks.tasks.gameof24 import solution
from benchmarks.tasks.registry import registry
from benchmarks.tasks.spellings import right_replies, wrong_replies

TASKS = [benchmark for benchmark in registry().values() if benchmark.original]


def original(task: str) -> list[Item]:
    read = registry()[task].original
    assert read is not None
    return [read(row) for row in rows("original")[task]]


def official(task: str) -> list[Item]:
    benchmark = registry()[task]
    return [benchmark.official(row) for row in rows("official")[task] if benchmark.keep(row)]


@pytest.mark.parametrize("benchmark", TASKS, ids=lambda each: each.name)
def test_both_forms_are_the_same_items(benchmark: Benchmark) -> None:
    ours, theirs = official(benchmark.name), original(benchmark.name)
    assert [item.id for item in ours] == [item.id for item in theirs]
    assert len({item.id for item in ours}) == len(ours)


@pytest.mark.parametrize("benchmark", TASKS, ids=lambda each: each.name)
def test_one_instruction_stands_apart_from_the_question(benchmark: Benchmark) -> None:
    for item in original(benchmark.name) + official(benchmark.name):
        *_, instruction = item.question.split("\n\n")
        assert item.question.count("<answer>") == 1
        assert "<answer>" in instruction
        assert "When ready" not in item.question


@pytest.mark.parametrize("benchmark", TASKS, ids=lambda each: each.name)
@pytest.mark.parametrize("source", [original, official])
def test_golds_score_1_and_each_others_golds_0(benchmark: Benchmark, source: object) -> None:
    assert callable(source)
    items: list[Item] = source(benchmark.name)
    for place, item in enumerate(items):
        for reply in right_replies(benchmark.rule, item):
            assert benchmark.score(item, reply).value == 1.0, reply
        wrong = wrong_replies(benchmark.rule, items, place)
        assert wrong
        for reply in wrong:
            assert benchmark.score(item, reply).value == 0.0, reply


def test_medqa_golds_belong_to_their_rows_though_pids_repeat() -> None:
    given = rows("original")["medqa"]
    assert len({row["pid"] for row in given}) < len(given)
    by_pid = {row["pid"]: row["answer"] for row in given}
    assert [by_pid[row["pid"]] for row in given[:2]] != [row["answer"] for row in given[:2]]
    assert [item.golds for item in original("medqa")] == [
        ("Jam",),
        ("Goat",),
        ('Grass "',),
        ("Wind",),
    ]


def test_medqa_options_are_in_the_question_once() -> None:
    item = original("medqa")[0]
    assert item.choices == ("Paint", "Jam", "Rust", "Ink")
    assert item.question.count("B. Jam") == 1
    assert official("medqa")[0].question == item.question


def test_an_option_is_one_line() -> None:
    assert original("medqa")[2].choices[0] == official("medqa")[2].choices[0] == 'Grass "'


def test_gpqa_shuffles_each_question_in_one_way_of_its_own() -> None:
    items = official("gpqa")
    assert [item.choices for item in items] == [item.choices for item in official("gpqa")]
    assert sorted(items[0].choices) == sorted(["2/3", "1/3", "1", "0"])
    question = rows("official")["gpqa"][0]
    read = registry()["gpqa"].official
    places = {
        read({**question, "Question": f"Question {n}?"}).choices.index("2/3") for n in range(40)
    }
    assert places == {0, 1, 2, 3}


def test_musique_has_aliases_hops_and_no_unanswerable_question() -> None:
    first, second = official("musique")
    assert first.golds == ("4 May 1871", "May 4, 1871")
    assert (first.level, second.level) == ("3 hops", "2 hops")


def test_gaia_leaves_out_what_has_a_file() -> None:
    assert [item.id for item in official("gaia")] == ["gaia-aaaa-1", "gaia-aaaa-2"]
    assert [item.level for item in official("gaia")] == ["level 1", "level 3"]


def test_levels_are_as_the_data_has_them() -> None:
    assert [item.level for item in official("2wiki")] == ["comparison", "bridge_comparison"]
    assert [item.level for item in official("hotpotqa")] == ["hard bridge", "hard comparison"]
    assert [item.level for item in official("aime24")] == ["AIME II", "AIME I"]
    assert [item.level for item in official("medqa")][:2] == ["step1", "step2&3"]
    assert [item.level for item in official("gpqa")] == ["Physics", "Chemistry"]


def test_whole_numbers_are_written_as_such() -> None:
    assert [item.golds for item in official("amc23")] == [("-2",), ("12",)]
    with pytest.raises(ValueError, match="no whole number"):
        registry()["amc23"].official({"question": "Half of one?", "answer": 0.5})


def test_game_of_24_states_its_rules_and_solves_what_has_no_solution() -> None:
    listed, ranked = official("gameof24")
    assert listed.numbers == (1, 1, 1, 8)
    assert "1, 1, 1, 8" in listed.question
    assert "exactly once" in listed.question
    assert registry()["gameof24"].score(ranked, ranked.golds[0]).value == 1.0
    with pytest.raises(ValueError, match="cannot make 24"):
        solution([1, 1, 1, 1])


@pytest.mark.parametrize(
    ("task", "row"),
    [
        ("bamboogle", {"question": "Who?"}),
        ("bamboogle", {"answer": "nobody"}),
        ("bamboogle", {"question": "Who?", "answer": []}),
        ("bamboogle", {"question": " ", "answer": "nobody"}),
        ("gameof24", {"numbers": [1, 2, 3], "solutions": []}),
        ("gpqa", {"Question": "Why?", "Correct Answer": "so"}),
        ("medqa", {"question": "Why?", "options": {"A": "so"}, "answer_idx": "B"}),
    ],
)
def test_a_row_that_lacks_something_is_refused(task: str, row: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        registry()[task].official(row)


def test_the_text_of_a_gated_option_is_not_in_the_error() -> None:
    row = {**rows("original")["gpqa"][0], "answer": "A. secret"}
    read = registry()["gpqa"].original
    assert read is not None
    with pytest.raises(ValueError, match="none of the 4 options") as refused:
        read(row)
    assert "secret" not in str(refused.value)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 13), min_size=4, max_size=4))
def test_a_solution_that_is_found_is_one(numbers: list[int]) -> None:
    try:
        found = solution(numbers)
    except ValueError:
        return
    item = Item("a", "?", (found,), numbers=tuple(numbers))
    assert registry()["gameof24"].score(item, found).value == 1.0


@given(st.text())
def test_case_space_and_punctuation_do_not_change_a_fingerprint(text: str) -> None:
    spaced = " ".join(re.findall(r"\w+", text))
    assert fingerprint(f" {text}?! ") == fingerprint(text)
    assert re.fullmatch("[0-9a-f]{12}", fingerprint(spaced))


@given(st.text(alphabet="abc ?.", min_size=1))
def test_the_originals_instruction_goes_with_or_without_a_space(question: str) -> None:
    suffix = "When ready, output the final answer enclosed in <answer> and </answer> tags. Do not"
    assert (
        strip_instruction(question + suffix)
        == strip_instruction(f"{question}  {suffix}")
        == question.strip()
    )


def test_options_are_listed_with_letters() -> None:
    assert format_question("Why?", "Say.", ["so", "thus"]) == "Why?\n\nA. so\nB. thus\n\nSay."
    assert [strip_letter(option) for option in ("A. so", "B) thus", "A.D. 79")] == [
        "so",
        "thus",
        "A.D. 79",
    ]

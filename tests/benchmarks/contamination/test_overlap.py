"""Training questions that a benchmark asks too: what counts as the same, and the command."""

import json
from pathlib import Path

import pytest
from made_up import write

from benchmarks.__main__ import main
from benchmarks.contamination.ngrams import asked, length, words
from benchmarks.contamination.overlap import Search, overlaps
from benchmarks.items.item import Item
from benchmarks.items.wording import LETTER, WORDS, format_question

LONG = " ".join(f"word{n}" for n in range(20))


def found(
    questions: list[str], *training: str, hidden: bool = False
) -> list[tuple[str, int, bool]]:
    items = [
        Item(f"q{n}", format_question(text, WORDS), ("x",)) for n, text in enumerate(questions)
    ]
    (one,) = overlaps([Search("bamboogle", items, hidden)], enumerate_named(training))
    return [(each.item, each.words, each.whole) for each in one.shared]


def enumerate_named(training: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(str(n), text) for n, text in enumerate(training)]


def test_the_length_is_that_of_the_report() -> None:
    """GPT-3's: the length of the shortest twentieth, within 8 and 13."""
    assert length([20] * 100) == 13
    assert length([9] * 6 + [20] * 94) == 9
    assert length([9] * 5 + [20] * 95) == 13
    assert length([3] * 100) == 8


def test_a_run_of_givenis_found_whatever_its_case_and_punctuation() -> None:
    thirteen = " ".join(LONG.split()[4:17])
    assert found([LONG], f"Well: {thirteen.upper()}!") == [("q0", 13, False)]
    assert found([LONG], " ".join(LONG.split()[4:16])) == []


def test_a_short_question_is_found_as_a_whole() -> None:
    asks = "Who led the guild of Brae?"
    assert found([asks], "Tell me, who led the guild of Brae in 1830?") == [("q0", 6, True)]
    assert found([asks], "Who led the guild of Port Ames?") == []
    assert found(["Who led Brae?"], "Who led Brae?") == [], "three words tell nothing"


def test_wording_that_many_questions_share_tells_nothing() -> None:
    rule = "Use each of the four numbers exactly once and of operations only these"
    puzzles = [f"{rule}: {n} {n + 1} {n + 2} {n + 3}." for n in range(12)]
    assert found(puzzles, f"{rule}: 99 98 97 96.") == []
    assert [name for name, *_ in found(puzzles, puzzles[3])] == ["q3"]


def test_options_and_instruction_are_no_part_of_the_question() -> None:
    item = Item(
        "q", format_question("Which?\n\nOf these?", LETTER, ("a", "b")), ("a",), "", ("a", "b")
    )
    assert asked(item) == "Which?\n\nOf these?"
    assert words("What's 7 - 9, \uff21?") == ["what", "s", "7", "9", "a"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        {"question": f"Which painter of river {n} was born before the mill of Brae?", "answer": "x"}
        for n in range(125)
    ]
    write(tmp_path / "bamboogle.json", rows)
    gated = {"task_id": "a", "Question": LONG, "Level": "1", "Final answer": "17", "file_name": ""}
    write(
        tmp_path / "gaia.json",
        [{**gated, "task_id": str(n), "Question": f"{LONG} {n}"} for n in range(127)],
    )
    return tmp_path


def test_the_command_lists_what_training_has(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks = "Hm. Which painter of river 7 was born before the mill of Brae?"
    train = write(
        data / "train.jsonl", [{"question": "What is 7?"}, {"id": "t1", "question": asks}]
    )
    given = ["overlap", str(train), "bamboogle", "--data", str(data)]
    assert main(given) == 1
    shown = capsys.readouterr().out
    assert "1 of 125" in shown and "t1" in shown and "painter of river 7" in shown
    assert main([*given, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["task"], told["n"], told["untold"], told["share"]) == ("bamboogle", 12, 0, 0.008)
    (shared,) = told["shared"]
    assert (shared["rows"], shared["words"], shared["whole"]) == (["t1"], 12, True)
    clean = write(data / "clean.jsonl", [{"question": "What is 7?"}])
    assert main(["overlap", str(clean), "bamboogle", "--data", str(data)]) == 0
    assert "0 of 125" in capsys.readouterr().out


def test_items_that_must_not_be_shown_are_not(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(data / "train.jsonl", [{"question": f"{LONG} 5"}])
    assert main(["overlap", str(train), "gaia", "--data", str(data)]) == 1
    shown = capsys.readouterr().out
    assert "gaia-5" in shown and "word9" not in shown


def test_a_file_without_questions_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(data / "train.jsonl", [{"text": "What is 7?"}])
    assert main(["overlap", str(train), "bamboogle", "--data", str(data)]) == 2
    assert "row 1 has no" in capsys.readouterr().err

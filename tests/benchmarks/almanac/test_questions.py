"""The questions: deterministic, balanced, pure in their split, and written to files unchanged."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from lines import read_jsonl

from benchmarks.almanac.__main__ import main
from benchmarks.almanac.jsonl import row
from benchmarks.almanac.questions import LEVELS, Level, Question, number_split, questions
from benchmarks.almanac.world import SPLITS, Split, World
from benchmarks.scoring.scorers import exact

WORLD = World(seed=0)
OTHER: dict[Split, Split] = {"train": "heldout", "heldout": "train"}
FORMS: dict[Level, str] = {
    "arithmetic": r"What is \d{4} [-+*] \d\d\?",
    "one_hop": (
        r"In which town does \w+ \w+ live\?"
        r"|Who is the mayor of \w+ \w+\?"
        r"|What is the population of \w+ \w+\?"
    ),
    "two_hops": r"(Who is the mayor|What is the population) of the town where \w+ \w+ lives\?",
    "fact_arithmetic": r"What is the population of \w+ \w+ [-+*] \d\d\?",
    "two_hops_arithmetic": (r"What is the population of the town where \w+ \w+ lives [-+*] \d\d\?"),
}
HOPS = dict(zip(LEVELS, (0, 1, 2, 1, 2), strict=True))


def entities(split: Split) -> list[str]:
    people = [person.name for person in WORLD.people(split)]
    return people + [town.name for town in WORLD.towns(split)]


def numbers(question: Question) -> tuple[int, int] | None:
    """The pair of numbers to calculate with, whether or not the question shows the first."""
    operation = re.search(r"(\d+)? ?[-+*] (\d+)\?", question.text)
    if operation is None:
        return None
    if operation[1]:
        return int(operation[1]), int(operation[2])
    towns = {town.name: town for split in SPLITS for town in WORLD.towns(split)}
    return towns[question.hops[-1]].population, int(operation[2])


def test_same_arguments_same_questions() -> None:
    assert questions(WORLD, "train", 200, seed=1) == questions(World(seed=0), "train", 200, seed=1)
    assert questions(WORLD, "train", 200, seed=1) != questions(WORLD, "train", 200, seed=2)


def test_questions_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    program = (
        "from benchmarks.almanac import World, questions\n"
        "print(questions(World(0), 'heldout', 40, seed=5))"
    )
    root = Path(__file__).parents[3]
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert printed[0] == printed[1] == f"{questions(WORLD, 'heldout', 40, seed=5)}\n"


def test_shorter_list_begins_the_longer_one() -> None:
    assert questions(WORLD, "train", 33, seed=1) == questions(WORLD, "train", 200, seed=1)[:33]


@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_levels_are_dealt_evenly(n: int) -> None:
    count = Counter(question.level for question in questions(WORLD, "train", n, seed=0))
    assert all(count[level] in (n // 5, -(-n // 5)) for level in LEVELS)


def test_levels_do_not_come_in_a_fixed_order() -> None:
    dealt = questions(WORLD, "train", 100, seed=0)
    assert len({tuple(q.level for q in dealt[i : i + 5]) for i in range(0, 100, 5)}) > 10


def test_chosen_levels() -> None:
    chosen: tuple[Level, ...] = ("one_hop", "two_hops", "two_hops")
    count = Counter(q.level for q in questions(WORLD, "heldout", 30, seed=0, levels=chosen))
    assert count == {"one_hop": 10, "two_hops": 20}


@pytest.mark.parametrize("split", SPLITS)
def test_forms_and_hops(split: Split) -> None:
    for question in questions(WORLD, split, 1000, seed=0):
        assert re.fullmatch(FORMS[question.level], question.text)
        assert len(question.hops) == HOPS[question.level]
        assert all(name in question.text for name in question.hops[:1])
        assert question.split == split


def test_ids_are_different() -> None:
    drawn = [q for split in SPLITS for seed in (0, 1) for q in questions(WORLD, split, 50, seed)]
    assert len({question.id for question in drawn}) == 200


@pytest.mark.parametrize("split", SPLITS)
def test_no_question_touches_the_other_split(split: Split) -> None:
    foreign = set(entities(OTHER[split]))
    foreign_populations = {str(town.population) for town in WORLD.towns(OTHER[split])}
    for question in questions(WORLD, split, 5000, seed=0):
        assert not foreign & {*question.hops, question.answer}
        assert not foreign & set(re.findall(r"[A-Z]\w+ [A-Z]\w+", question.text))
        if numbers(question) is None:
            assert question.answer not in foreign_populations


@pytest.mark.parametrize("split", SPLITS)
def test_number_pairs_belong_to_the_split(split: Split) -> None:
    pairs = [pair for q in questions(WORLD, split, 2000, seed=0) if (pair := numbers(q))]
    assert len(pairs) == 1200
    assert {number_split(*pair) for pair in pairs} == {split}


def test_a_quarter_of_the_number_pairs_is_held_out() -> None:
    splits = Counter(number_split(a, b) for a in range(1000, 1200) for b in range(11, 100))
    assert splits["heldout"] / splits.total() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("split", SPLITS)
def test_every_gold_scores_1_on_itself_and_0_when_shifted(split: Split) -> None:
    names = entities(split)
    for question in questions(WORLD, split, 1000, seed=2):
        gold = question.answer
        shifted = str(int(gold) + 1) if gold.isdecimal() else names[names.index(gold) - 1]
        assert exact(gold, f"Found it.\n<answer>{gold}</answer>").value == 1.0
        assert exact(gold, f"Found it.\n<answer>{shifted}</answer>").value == 0.0


def test_wrong_arguments_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="split='test': choose one of train, heldout"):
        questions(WORLD, cast(Split, "test"), 1, seed=0)
    with pytest.raises(ValueError, match="n=-1: ask for 0"):
        questions(WORLD, "train", -1, seed=0)
    with pytest.raises(ValueError, match=r"levels=\('hop',\): choose some of arithmetic"):
        questions(WORLD, "train", 1, seed=0, levels=(cast(Level, "hop"),))
    with pytest.raises(ValueError, match=r"levels=\(\)"):
        questions(WORLD, "train", 1, seed=0, levels=())


def test_command_line_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    main(["--out", str(out), "--seed", "3", "--train", "12", "--heldout", "5"])
    world = World(seed=3)
    assert read_jsonl(out / "corpus.jsonl") == world.documents()
    for split, n in (("train", 12), ("heldout", 5)):
        rows = read_jsonl(out / f"{split}.jsonl")
        assert rows == [row(q) for q in questions(world, cast(Split, split), n, seed=3)]
        assert list(rows[0]) == ["id", "question", "answer", "level"]
    assert capsys.readouterr().out.count(".jsonl\n") == 3


def test_command_line_rejects_negative_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", "unused", "--train", "-5"])
    assert "--train" in capsys.readouterr().err

"""`python -m benchmarks check` and `list`: what they find, print and return."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import folder, rows, write

from benchmarks.__main__ import main
from benchmarks.commands.check import SHOWN, check, render
from benchmarks.items.item import Benchmark, Item
from benchmarks.scoring.scorers import Score
from benchmarks.tasks.registry import benchmark, registry
from benchmarks.tasks.spellings import letters, right_replies, wrong_replies

GIVEN = {name for name, each in registry().items() if each.original}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return folder(tmp_path, "original")


def always(value: float) -> Benchmark:
    """Bamboogle with a rule that says the same of every reply."""
    return replace(
        benchmark("bamboogle"), rule_of=lambda item, reply: Score(value, str(reply), "last_line")
    )


def test_right_data_are_right_in_every_spelling(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--data", str(data), "--subset", "full", "--json"]) == 0
    found = {each["task"]: each for each in json.loads(capsys.readouterr().out)}
    more = {"gaia-files", "gpqa-diamond"}
    assert set(found) == GIVEN | more | {"almanac", "almanac-hard"}
    assert {found[name]["status"] for name in more} == {"no data"}
    for name in GIVEN:
        each, number = found[name], len(rows("original")[name])
        assert (each["status"], each["found"], each["golds"]) == ("ok", number, number)
        assert (each["shifted"], each["lone"], each["twice"]) == (number, 0, 0)
        assert each["file"] == "changed"  # for it is not the original's


def test_the_table_has_a_line_for_each_task(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "medqa", "almanac", "--data", str(data), "--subset", "full"])
    head, _, medqa, almanac = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "task subset source items of golds=1 shifted=0 twice file"
    assert " ".join(medqa.split()) == "medqa full original 4 300 4 4 0 changed ok"
    assert almanac.split()[:5] == ["almanac", "full", "official", "300", "300"]


def test_a_rule_that_knows_no_gold_is_at_fault(data: Path) -> None:
    found = check(always(0.0), "full", data)
    assert (found.status, found.golds, found.shifted) == ("fault", 0, 2)
    assert {fault.kind for fault in found.faults} == {"gold"}
    assert "and 5 more, see --json" in render([found])
    assert len(found.faults) == 10 == SHOWN + 5


def test_a_rule_that_takes_anothers_gold_is_at_fault(data: Path) -> None:
    found = check(always(1.0), "full", data)
    assert (found.status, found.golds, found.shifted) == ("fault", 2, 0)
    assert {fault.kind for fault in found.faults} == {"shifted"}
    assert "another's gold scores: '<answer>" in render([found])


def test_a_gold_that_nobody_can_meet_is_at_fault(tmp_path: Path) -> None:
    given = [
        {"question": "Who?", "answer": "</answer>"},
        {"question": "What?", "answer": "Saltmarsh"},
    ]
    write(tmp_path / "bamboogle.json", given)
    found = check(benchmark("bamboogle"), "full", tmp_path)
    assert found.status == "fault"
    assert {fault.item for fault in found.faults if fault.kind == "gold"} == {
        benchmark("bamboogle").official(given[0]).id
    }


def test_golds_of_a_gated_set_are_not_shown(data: Path) -> None:
    gpqa = replace(
        benchmark("gpqa"), rule_of=lambda item, reply: Score(0.0, str(reply), "last_line")
    )
    found = check(gpqa, "full", data)
    assert found.faults
    assert not any(fault.reply for fault in found.faults)


def test_too_few_of_the_papers_items_are_a_fault(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "aime24", "--data", str(data)]) == 1
    assert "aime24: 2 items in" in capsys.readouterr().out


def test_unreadable_data_are_a_fault_and_the_other_tasks_go_on(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "medqa" / "data.json").write_text("[", encoding="utf-8")
    arguments = ["check", "medqa", "amc23", "--data", str(data), "--subset", "full", "--json"]
    assert main(arguments) == 1
    medqa, amc23 = json.loads(capsys.readouterr().out)
    assert (medqa["status"], amc23["status"]) == ("fault", "ok")
    assert "cannot be read" in medqa["note"]


def test_no_data_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("no data\n") == len(GIVEN)
    assert f"put there the original's file as {tmp_path}/gpqa/data.json" in out
    assert main(["check"]) == 0
    assert "gpqa: no folder was given with --data" in capsys.readouterr().out


def test_a_task_that_is_named_must_have_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "gpqa", "almanac", "--data", str(tmp_path)]) == 1
    assert "no data\n" in capsys.readouterr().out
    assert main(["check", "gpqa"]) == 1
    assert main(["check", "almanac"]) == 0, "it is made here"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bambogle"], "did you mean 'bamboogle'"),
        (["medqa", "--subset", "tot-900-1000"], "medqa has no subset"),
        (["--subset", "half"], "no task has a subset of that name"),
        (["--data", "/nowhere/at/all"], "is no folder"),
    ],
)
def test_a_wrong_setting_ends_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_subset_of_one_task_is_checked_for_that_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "24.csv").write_text("Rank,Puzzles\n901,4 5 6 10\n902,1 2 4 7\n", encoding="utf-8")
    main(["check", "--subset", "tot-900-1000", "--data", str(tmp_path), "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["task"] == "gameof24"
    assert (found["found"], found["golds"], found["shifted"]) == (2, 2, 2)


def test_an_item_is_compared_with_the_next_that_differs() -> None:
    same = [Item("a", "?", ("yes",)), Item("b", "?", ("Yes",)), Item("c", "?", ("no",))]
    assert [wrong_replies("words", same, index) for index in range(3)] == [
        ["<answer>no</answer>"],
        ["<answer>no</answer>"],
        ["<answer>yes</answer>"],
    ]
    assert wrong_replies("words", same[:2], 0) == []


def test_two_options_with_one_text_are_both_right() -> None:
    item = Item("a", "?", ("argon",), choices=("neon", "argon", "argon"))
    assert letters(item) == ["B", "C"]
    other = Item("b", "?", ("xenon",), choices=("xenon", "neon", "argon"))
    assert "(C)" in right_replies("choice", item)
    assert "<answer>A</answer>" in wrong_replies("choice", [item, other], 0)


def test_list_shows_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(registry())
    assert main(["list", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts[7]["subsets"] == {"agentflow": 100, "full": 1362, "tot-900-1000": 100}


def test_check_imports_no_runner_no_model_and_no_hub() -> None:
    program = (
        "import sys\n"
        "from benchmarks.__main__ import main\n"
        "main(['check', 'almanac'])\n"
        "heavy = {'inspect_ai', 'datasets', 'pandas', 'torch', 'math_verify'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

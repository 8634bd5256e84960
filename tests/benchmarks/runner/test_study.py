"""Budgets of turns: each is run once, with the same options, and all are shown together."""

import json
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

import pytest
from launched import run_program
from sessions import KNOWN, result, session

from agentflow_graph.errors import SettingError
from benchmarks.__main__ import main
from benchmarks.commands.published.study import budgets
from benchmarks.items.item import Item
from benchmarks.report.several.budgets import Step, budget_table, mean_turns, write_study
from benchmarks.runner.plans.study import Study, commits
from benchmarks.runner.store.folder import Request

ITEMS = {"bamboogle": {"q1": Item("q1", "Who?", ("gold",))}}
REQUEST = Request("new", {"bamboogle": "full"}, {"bamboogle": 1}, settings={"planner": "nano"})


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of which the run with one turn has begun."""
    found = Study(tmp_path, (1, 3), REQUEST, ITEMS)
    found.folder(1).create(found.of(1), ITEMS)
    return found


def test_only_the_budget_differs_between_the_runs(study: Study) -> None:
    assert study.of(3).settings == {"planner": "nano", "max_turns": 3}
    assert replace(study.of(3), settings={}, name="") == replace(REQUEST, settings={}, name="")


def test_a_study_that_was_begun_goes_on(study: Study) -> None:
    study.check()
    replace(study, budgets=(1, 2, 3, 5)).check()
    replace(study, request=replace(REQUEST, concurrency=2, max_cost=9.0)).check()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"settings": {"planner": "local:x"}}, "other settings"),
        ({"judge": "openai:x", "seed": 5}, "other seed, judge"),
        ({"filter_leaks": True}, "other filter_leaks"),
        ({"subsets": {"bamboogle": "agentflow"}}, "other subsets"),
    ],
)
def test_other_options_are_refused(study: Study, changed: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        replace(study, request=replace(REQUEST, **changed)).check()  # type: ignore[arg-type]


def test_other_items_are_refused(study: Study) -> None:
    other = {"bamboogle": {"q1": Item("q1", "Who else?", ("gold",))}}
    with pytest.raises(SettingError, match="'q1', have another question or answer"):
        replace(study, items=other).check()
    fewer = replace(
        study, request=replace(REQUEST, subsets={"aime24": "full"}), items={"aime24": {}}
    )
    with pytest.raises(SettingError, match="other tasks"):
        fewer.check()
    with pytest.raises(SettingError, match="q1', are not among the 0"):
        replace(study, items={"bamboogle": {}}).check()


def test_a_study_lets_its_runs_grow(study: Study) -> None:
    more = {**ITEMS["bamboogle"], "q2": Item("q2", "Where?", ("gold",))}
    larger = replace(study, request=replace(REQUEST, trials=2), items={"bamboogle": more})
    larger.check()
    found = larger.cells[0].larger()
    assert found and (found[0].trials, found[0].expected, found[1]) == (
        2,
        {"bamboogle": 2},
        larger.items,
    )
    assert found[0].settings["max_turns"] == 1
    assert study.cells[0].larger() is None


def test_data_of_another_commit_are_refused(study: Study) -> None:
    def at(commit: str) -> Study:
        told = {"data": {"bamboogle": {"revision": commit, "origin": "owner/set"}}}
        return replace(study, request=replace(REQUEST, trials=2, provenance=told))

    folder = study.folder(1)
    folder.create(at("aaa").of(1), ITEMS)
    assert commits([folder, study.folder(3)]) == {"bamboogle": "aaa"}
    replace(at("aaa"), budgets=(1,)).check()
    folder.create(replace(at("aaa").of(1), trials=1), ITEMS)
    with pytest.raises(SettingError, match="read owner/set at commit aaa, and it is at bbb now"):
        at("bbb").check()


def test_a_scoring_that_is_not_there_is_refused(study: Study) -> None:
    with pytest.raises(SettingError, match="there is no scoring 2; known: .0."):
        replace(study, scoring=2).check()
    with pytest.raises(SettingError, match="holds no run yet, so it has no scoring 2"):
        replace(study, budgets=(3,), scoring=2).check()


def test_a_folder_that_holds_something_else_is_refused(study: Study) -> None:
    study.folder(3).path.mkdir()
    (study.folder(3).path / "notes.txt").write_text("mine")
    with pytest.raises(SettingError, match="not an empty folder"):
        study.check()


def test_the_folder_of_a_run_is_no_place_for_a_study(study: Study) -> None:
    inner = replace(study, path=study.folder(1).path)
    with pytest.raises(SettingError, match="is the folder of a run"):
        inner.check()


def test_budgets_ascend_and_are_whole() -> None:
    assert budgets("5, 1,2,1") == [1, 2, 5]
    for text in ("", "0", "1,x", "1,,2"):
        with pytest.raises(ArgumentTypeError):
            budgets(text)


def steps() -> list[Step]:
    """Half of the answers right with one turn, all of those that came with three."""
    few = [result("a", turns=1), result("b", 0.0, turns=1)]
    many = [result("a", turns=1), result("b", turns=3), result("c", turns=2)]
    return [Step.of(1, session(few, 4)), Step.of(3, session(many, 4))]


def test_the_table_shows_the_gain_over_the_smallest_budget() -> None:
    first, second = budget_table(steps(), KNOWN).rows
    assert first[:3] == ["Bamboogle", "1", "25.0 %"] and first[5] == "–"
    assert second[:3] == ["Bamboogle", "3", "75.0 %"] and second[5] == "+50.0"
    assert second[6] == "2.00 (0.87 to 3.13)"
    assert (first[-1], second[-1]) == ("2", "1")


def test_turns_of_missing_trials_do_not_count() -> None:
    assert mean_turns([result("a", turns=4), result("b", None, turns=9)]).mean == 4
    assert mean_turns([]).mean == 0


def test_the_files_hold_every_budget(tmp_path: Path) -> None:
    write_study(tmp_path, steps(), KNOWN)
    found = json.loads((tmp_path / "report.json").read_text())
    assert [each["max_turns"] for each in found["budgets"]] == [1, 3]
    task = found["budgets"][1]["tasks"]["bamboogle"]
    assert (task["accuracy"]["mean"], task["missing"]) == (0.75, 1)
    assert task["turns_low"] < task["effort"]["turns"] < task["turns_high"]
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "3 trials have no score" in page
    assert "| Bamboogle | 3 | 75.0 % |" in (tmp_path / "report.md").read_text()


@pytest.mark.integration
def test_a_finished_budget_does_not_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    words = ["study", "almanac", "--run", str(folder), "--seed", "1"]
    ran(*words, "--limit", "4", "--budgets", "1")
    before = record_of(folder / "budget-1")
    ran(*words, "--limit", "4", "--budgets", "1,4")
    assert record_of(folder / "budget-1") == before
    small, large = json.loads((folder / "report.json").read_text())["budgets"]
    assert small["tasks"]["almanac"]["effort"]["turns"] == 1.0
    most, least = (each["tasks"]["almanac"]["accuracy"]["mean"] for each in (large, small))
    assert most > least

    assert main([*words, "--limit", "3", "--budgets", "1,4"]) == 2
    assert "1 of the run's 4 items" in capsys.readouterr().err
    assert main([*words, "--set", "max_turns=2"]) == 2
    assert "--budgets" in capsys.readouterr().err

    first, second = str(folder / "budget-1"), str(folder / "budget-4")
    assert main(["compare", first, second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"][0]["test"]["worse"] == 0
    assert main(["report", second, "--baseline", first]) == 0
    assert "Difference" in capsys.readouterr().out


def record_of(run: Path) -> dict[str, bytes]:
    """The files of the run's record, which are never empty."""
    files = {path.name: path.read_bytes() for path in (run / "record").glob("*.jsonl")}
    assert files and all(files.values())
    return files


def ran(*words: str) -> None:
    """The command in a process of its own, which must end well: inspect leaves streams open."""
    done = run_program("-m", "benchmarks", *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["report"], ["compare", "."], ["report", ".", "--baseline"]])
def test_a_folder_without_a_run_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err

"""`--scoring` on the command line, and what is not to be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from charging import charging, model
from scored_runs import run_with

from benchmarks.__main__ import main
from benchmarks.runner.store.session import scorings


def report_of(run: str, *words: str) -> dict[str, object]:
    assert main(["report", run, *words]) == 0
    found: dict[str, object] = json.loads((Path(run) / "report.json").read_text())
    return found


def accuracy(report: dict[str, object]) -> float:
    value: float = report["tasks"]["bamboogle"]["accuracy"]["mean"]  # type: ignore[index]
    return value


def test_each_scoring_can_be_reported(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", ("", "1000"), ("a", "1110"), ("b", "11--"))
    shown = report_of(run)
    assert (shown["scoring"], shown["judge"], accuracy(shown)) == (1, "a", 0.75)
    own = report_of(run, "--scoring", "0")
    assert (own["scoring"], own["judge"], accuracy(own)) == (0, "", 0.25)
    unfinished = report_of(run, "--scoring", "2")
    assert (unfinished["judge"], accuracy(unfinished)) == ("b", 0.5)
    assert "(scoring 2). 2 missing" in (Path(run) / "report.md").read_text()


def test_marks_of_different_judges_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_with(tmp_path / "first", ("", "1000"), ("a", "1100"))
    second = run_with(tmp_path / "second", ("b", "1110"), ("a", "1111"), judge="b")
    assert main(["compare", first, second]) == 0
    words = [first, second, "--second-scoring", "0"]
    assert main(["compare", *words]) == 2
    error = capsys.readouterr().err
    assert "different judges, 'first' by a (scoring 1) and 'second' by b (scoring 0)" in error
    assert "score DIR --judge MODEL" in error and "--any-judge" in error
    assert main(["compare", *words, "--any-judge"]) == 0
    assert "differs: judge: a and b" in capsys.readouterr().out
    assert main(["report", second, "--scoring", "0", "--baseline", first]) == 2
    assert "different judges" in capsys.readouterr().err


def test_answers_without_a_mark_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run_with(tmp_path / "whole", ("", "1010"))
    half = run_with(tmp_path / "half", ("", "1011"), ("b", "11--"))
    assert main(["compare", whole, half]) == 0
    capsys.readouterr()
    assert main(["compare", whole, half, "--second-scoring", "1", "--any-judge"]) == 2
    assert f"score {half} --scoring 1`" in capsys.readouterr().err
    words = ["report", half, "--scoring", "1", "--baseline", whole, "--any-judge"]
    assert main(words) == 2
    assert "'half' has 2 answers without a mark" in capsys.readouterr().err


def test_what_differs_is_named_and_items_are_paired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_with(tmp_path / "first", ("", "00xx"), settings={"max_turns": 3}, seed=4)
    second = run_with(tmp_path / "second", ("", "0110"))
    assert main(["compare", first, second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differs"] == [
        "missing trials: 2 and 0",
        "seed: 4 and 0",
        "max_turns: 3 and 10 (the default)",
    ]
    report = report_of(second, "--baseline", first)
    (pair,) = report["baseline"]["paired"]["differences"]  # type: ignore[index]
    assert (pair["items"], pair["first"], pair["second"]) == (4, 0.0, 0.5)
    assert "It differs in missing trials: 2 and 0; seed" in (Path(second) / "report.md").read_text()


@pytest.mark.integration
def test_score_asks_its_judge_first_and_says_what_is_not_marked_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with(tmp_path / "run", ("", "1000"), ("a", "11--"))
    with charging() as server:
        away = model(server, "judge")
        silent = model(server, "planner")  # it answers, but gives no verdict
        assert main(["score", run, "--judge", silent]) == 1
    out, err = capsys.readouterr()
    assert "scoring 0: 1 of 4 right (rules alone, shown)\n" in out
    assert "scoring 1: 2 of 4 right, 2 not marked yet (a)\n" in out
    assert f"scoring 2: 0 of 4 right, 4 not marked yet ({silent})\n" in out
    assert f"4 answers could not be scored, the first because the judge {silent} failed: off" in err
    assert "the same command tries them again, in scoring 2" in err
    assert main(["score", run, "--judge", away]) == 2
    out, err = capsys.readouterr()
    assert f"error: {away} does not answer" in err and "give the same command again" in err
    assert scorings(Path(run)) == [0, 1, 2], "nothing was begun"

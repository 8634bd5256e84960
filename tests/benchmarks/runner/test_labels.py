"""Labels by people: the file to fill in, and how far they agree with rule and judge."""

import csv
from pathlib import Path

import pytest

from agentflow_graph.errors import SettingError
from benchmarks.report.numbers.agreement import kappa
from benchmarks.report.numbers.result import Result, Session
from benchmarks.runner.store.labels import FILE, agreements, write_labels

RESULTS = [
    Result("bamboogle", "a", 1, 1.0, answer="=1+1", golds=("2",), audit=1.0, question="1+1?"),
    Result("bamboogle", "b", 1, 1.0, answer="Paris", golds=("Paris",), audit=0.0),
    Result("bamboogle", "c", 1, 1.0, answer="Lyon", golds=("lyon",), scored_by="judge"),
    Result("bamboogle", "d", 1, 0.0, answer="Rome", golds=("Oslo",), scored_by="judge"),
    Result("bamboogle", "e", 1, 1.0, answer="x", golds=("x",)),
]
SESSION = Session("made-up", {}, {"bamboogle": 5}, 1, {}, {}, RESULTS, "a judge")


def fill(folder: Path, labels: dict[str, str]) -> None:
    path = folder / FILE
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows({**row, "human": labels.get(row["item"], "")} for row in rows)


def test_what_rule_and_judge_differ_about_comes_first(tmp_path: Path) -> None:
    assert write_labels(tmp_path, SESSION) == [tmp_path / FILE]
    with (tmp_path / FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == ["b", "c", "a", "d"]
    assert [(row["rule"], row["judge"]) for row in rows[:2]] == [("yes", "no"), ("no", "yes")]
    assert rows[2]["answer"] == "'=1+1", "no formula for a table calculator"
    assert write_labels(tmp_path, SESSION) == [], "labels are never written over"


def test_labels_that_come_back_give_kappa(tmp_path: Path) -> None:
    assert agreements(tmp_path, SESSION) == []
    write_labels(tmp_path, SESSION)
    assert agreements(tmp_path, SESSION) == []
    fill(tmp_path, {"a": "yes", "b": "Yes", "c": "no", "d": "no"})
    rule, judge = agreements(tmp_path, SESSION)
    assert (rule.rows, rule.same, rule.kappa) == (4, 1.0, 1.0)
    assert (judge.rows, judge.same, judge.kappa) == (4, 0.5, 0.0)


def test_another_label_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path, SESSION)
    fill(tmp_path, {"c": "perhaps"})
    with pytest.raises(SettingError, match="line 3: human='perhaps' for 'c'; write yes or no"):
        agreements(tmp_path, SESSION)


def test_kappa() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([]) is None
    assert kappa([(True, True)]) is None

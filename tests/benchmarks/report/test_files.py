"""The Markdown and the JSON of a run, and the text that a terminal shows."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from sessions import KNOWN, result, session

from benchmarks.report.content import report_of
from benchmarks.report.numbers.summary import Summary
from benchmarks.report.report import markdown, record, write_report
from benchmarks.report.table import Table, dollars, shorten

RESULTS = [result("a", f1=1.0), result("b", 0.0, f1=0.5, scored_by="judge"), result("c", None)]


def test_three_files_are_written(tmp_path: Path) -> None:
    files = write_report(tmp_path, report_of(session(RESULTS, 4), KNOWN))
    assert sorted(path.name for path in files) == ["report.html", "report.json", "report.md"]
    assert all(path.stat().st_size for path in files)


def test_the_json_has_the_keys_that_it_promises(tmp_path: Path) -> None:
    base = session([result("a")], 1, name="base")
    write_report(tmp_path, report_of(session(RESULTS, 4), KNOWN, base))
    found = json.loads((tmp_path / "report.json").read_text())
    top = "name judge scoring plain_call as_is trials settings versions provenance sittings tasks"
    top += " kinds"
    assert list(found) == [*top.split(), "hardness", "spending", "leaks", "labels", "baseline"]
    task = found["tasks"]["bamboogle"]
    assert set(task) == {field.name for field in fields(Summary)} | {"title", "kind", "paper"}
    assert (task["accuracy"]["mean"], task["missing"], task["judged"]) == (0.25, 2, 1)
    assert (task["f1"], task["reasons"]) == (0.375, {"not run": 2})
    assert task["paper"]["AgentFlow + Flow-GRPO"] == 69.6
    assert found["kinds"]["search"]["accuracy"] == 0.25
    assert found["baseline"]["tasks"]["bamboogle"]["accuracy"]["mean"] == 1.0
    assert record(report_of(session(RESULTS, 4), KNOWN))["baseline"] is None


def test_the_mean_of_a_kind_weighs_its_tasks_alike() -> None:
    results = [result("a"), *(result(f"q{n}", 0.0, task="2wiki") for n in range(9))]
    found = record(report_of(session(results, {"bamboogle": 1, "2wiki": 9}), KNOWN))
    assert found["kinds"]["search"]["accuracy"] == 0.5
    assert found["kinds"]["search"]["standard_error"] is None


def test_markdown_shows_the_run_beside_the_paper() -> None:
    text = markdown(report_of(session(RESULTS, 4), KNOWN))
    assert "4 items x 1 trial, scored by rules. 2 missing, counted as wrong." in text
    accuracy = "| Bamboogle | full | 4 x 1 | 25.0 % | 25.0 | 4.6 to 69.9 | – | 37.5 % | 2 |"
    assert f"{accuracy} 1 (0 right) |" in text
    assert "| AgentFlow + Flow-GRPO | 69.6 |" in text
    assert "measured with other items and scored by another judge" in " ".join(text.split())


def test_a_report_says_what_kind_of_run_it_is_of() -> None:
    run = session(RESULTS, 4, settings={"outputs": "base"}, baseline="cot", as_is=True)
    of = report_of(run, KNOWN)
    text = markdown(of)
    assert "4 items x 1 trial of a plain call (cot), scored by rules." in text
    assert "Run as it is (--as-is)" in text and "| baseline | cot |" in text
    assert (record(of)["plain_call"], record(of)["as_is"]) == ("cot", True)
    usual = markdown(report_of(session(RESULTS, 4), KNOWN))
    assert "--as-is" not in usual and "baseline" not in usual and "plain call" not in usual


@pytest.mark.parametrize("text", ["a | b", "a\nb", "<b>x</b>", "[x](http://y)", "`x`", "$x$"])
def test_a_cell_of_markdown_stays_one_cell_and_means_nothing(text: str) -> None:
    table = Table("T", "Note.", ["A", "B"], [[text, "1"]]).markdown
    row = table.splitlines()[-1]
    assert row.replace("\\|", "").count("|") == 3
    for mark in "`<>[]$":
        assert row.count(mark) == row.count("\\" + mark)


def test_a_terminal_gets_no_control_sign_of_a_model() -> None:
    text = Table("T", "Note.", ["A", "B"], [["x\x1b[2J\x07", "1"], ["longer", "22"]]).text
    assert text.splitlines()[5:] == [r"x\x1b[2J\x07   1", "longer        22"]


def test_long_text_ends_in_a_sign_of_it() -> None:
    assert shorten("a" * 10, 5) == "aaaa…"
    assert shorten(" a \n b ", 5) == "a b"


def test_money_is_readable() -> None:
    amounts = (0, 0.00031, 0.5, 12.345, 1234.5, None)
    assert [dollars(each) for each in amounts] == [
        "$0.00",
        "$0.00031",
        "$0.50",
        "$12.35",
        "$1,234.50",
        "unknown price",
    ]

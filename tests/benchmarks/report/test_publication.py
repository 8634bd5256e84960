"""A paper's tables: corrected tests, least differences, LaTeX and CSV, hostile text."""

import json
import math
from pathlib import Path
from statistics import stdev
from typing import Any

import pytest
from sessions import KNOWN, result, session

from agentflow_graph.errors import SettingError
from benchmarks.report.numbers.power import detectable, expected, holm
from benchmarks.report.several.costs import cost_table
from benchmarks.report.several.forms import csv, latex
from benchmarks.report.several.grid import Column, main_table, paired_tests, turn_table
from benchmarks.report.several.publication import Publication, write_publication
from benchmarks.report.table import Table

HOSTILE = r"\input{/etc/passwd} & 100% $x_1$ <script>alert(1)</script>"


def test_holm_multiplies_the_smallest_most() -> None:
    """As in R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_the_least_difference_is_that_of_the_usual_power() -> None:
    assert detectable(0.05) == pytest.approx(0.1401, abs=1e-4)
    assert detectable(0.0) is None and detectable(None) is None
    assert expected(100) == pytest.approx(2.8016 * math.sqrt(0.3 / 100), abs=1e-4)


def column(arm: str, right: int, budget: int = 0, title: str = "", **more: object) -> Column:
    """Of twenty items the first so many are right; one of AIME24 is not."""
    own = [result(f"q{n:02}", float(n < right)) for n in range(20)]
    own.append(result("a", 0.0, task="aime24"))
    return Column.of(
        arm,
        title or arm,
        "",
        budget,
        session(own, {"bamboogle": 20, "aime24": 1}, name=arm, **more),  # type: ignore[arg-type]
    )


COLUMNS = [column("base", 4), column("agent", 10, 2), column("agent", 16, 4)]


def test_arms_are_compared_at_most_turns_and_corrected_together() -> None:
    found = {
        each.task: each
        for each in paired_tests(COLUMNS, [("base", "agent"), ("base", "none")], KNOWN)
    }
    one, whole = found["bamboogle"], found["all tasks"]
    assert one.difference.test.difference == 0.6 and one.difference.test.p == 2 * 0.5**12
    assert one.corrected == 3 * one.difference.test.p and one.holds
    assert found["aime24"].corrected == 1.0 and found["aime24"].least is None
    spread = stdev([1.0] * 12 + [0.0] * 8) / math.sqrt(20)
    assert one.least == pytest.approx(2.8016 * spread, abs=1e-4)
    assert whole.corrected == pytest.approx(3 * whole.difference.test.p)


def test_the_main_table_has_ours_before_the_papers() -> None:
    table = main_table(COLUMNS, KNOWN)
    assert table.header[:3] == ["Task", "base", "agent, 4 turns"]
    assert table.header[3:] == [
        "AgentFlow no RL (paper)",
        "AgentFlow + Flow-GRPO (paper)",
        "GPT-4o (paper)",
    ]
    assert table.rows[0] == ["Bamboogle", "20.0 ± 9.2", "80.0 ± 9.2", "58.4", "69.6", "68.8"]
    assert table.rows[1] == ["AIME24", "0.0", "0.0", "16.7", "40.0", "–"]


def test_latex_and_csv_hold_any_text() -> None:
    table = Table("T", "100 % of it.", ["Arm", "n"], [[HOSTILE, "1.0 ± 0.5"], ["=1+1", "-0.5"]])
    text = latex(table, "tab:t")
    assert r"\textbackslash{}input\{/etc/passwd\} \& 100\% \$x\_1\$ \textless{}script" in text
    assert r"\caption{T. 100 \% of it.}" in text and r"\begin{tabular}{lr}" in text
    assert csv(table).splitlines()[2] == "'=1+1,-0.5"


def test_csv_has_errors_in_columns_of_their_own() -> None:
    table = Table("T", "N.", ["Task", "A", "B"], [["x", "83.3 ± 7.1", "58.4"], ["y", "–", "–"]])
    assert csv(table, spread=1).splitlines() == [
        'Task,A,"A, std. error",B',
        "x,83.3,7.1,58.4",
        "y,,,",
    ]


def test_the_files_and_what_they_say(tmp_path: Path) -> None:
    of = Publication("P", [*COLUMNS, column("evil", 3, 4, HOSTILE)], [("base", "agent")], KNOWN)
    paths = write_publication(tmp_path, of)
    assert [path.name for path in paths] == [
        f"paper.{end}" for end in ["md", "tex", "csv", "json", "html"]
    ]
    found = json.loads((tmp_path / "paper.json").read_text())
    assert [each["budget"] for each in found["runs"]] == [0, 2, 4, 4]
    assert found["tests"][0]["holds"] and found["tests"][0]["pair"] == ["base", "agent"]
    page = (tmp_path / "paper.html").read_text()
    assert "<script" not in page and "Turn budgets" in page and "40.0 %" in page
    text = (tmp_path / "paper.md").read_text()
    assert "| agent | Bamboogle | 50.0 (2.00) | 80.0 (2.00) |" in text
    assert text.count("<script") == text.count(r"\<script") > 0


def test_tasks_have_one_order_in_all_tables() -> None:
    """Kind by kind, as in the main table, whatever the order in which they were named."""
    names = {"aime24": 1, "almanac": 1, "2wiki": 1, "bamboogle": 1}
    both = [
        Column.of(arm, arm, "", n, session([result("a", task=task) for task in names], names))
        for n, arm in enumerate(("one", "two", "two"))
    ]
    wanted = ["2wiki", "bamboogle", "aime24", "almanac"]
    tests = paired_tests(both, [("one", "two")], KNOWN)
    assert [each.task for each in tests] == [*wanted, "all tasks"]
    titles = [KNOWN[task].title for task in wanted]
    main = [row[0] for row in main_table(both, KNOWN).rows]
    assert [title for title in main if title in titles] == titles
    turns = turn_table(both, KNOWN)
    assert [row[1] for row in turns.rows] == titles and turns.header[2:] == ["1 turn", "2 turns"]


def test_the_judges_money_has_a_column_of_its_own() -> None:
    judged: dict[str, Any] = {"judging": {"calls": 1}, "scored_by": "judge"}
    own = [result("a", judging_cost=0.5, **judged), result("b", None, cost=0.125)]
    table = cost_table([Column.of("a", "A", "", 1, session(own, 2, judge="j"))])
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (row["Run"], row["Cost"], row["Judge's cost"]) == ("A, 1 turn", "$0.38", "$0.50")
    assert (row["Tokens in"], row["Tokens out"]) == ("0.0001", "0.00001")
    assert "without the judge's, whose cost is beside them" in table.note
    free = session([result("a", judging_cost=None, **judged)], 1)
    assert cost_table([Column.of("a", "A", "", 0, free)]).rows[0][5] == "unknown price"


def test_numbers_of_different_judges_are_named_where_they_are_shown(tmp_path: Path) -> None:
    marked = [result(f"q{n:02}", 1.0, scored_by="judge") for n in range(20)]
    by = [session(marked, 20, judge=judge) for judge in ("x", "y")]
    columns = [Column.of("agent", "Agent", "", n, run) for n, run in enumerate(by, 1)]
    mixed = Publication("P", columns, [], KNOWN)
    with pytest.raises(SettingError, match="scored by different judges"):
        mixed.check()  # no pair is compared, but they stand side by side
    write_publication(tmp_path, mixed)
    found = json.loads((tmp_path / "paper.json").read_text())
    assert found["judge"] is None and [each["judge"] for each in found["runs"]] == ["x", "y"]
    said = "cored by rules, then by different judges (Agent, 1 turn by x; Agent, 2 turns by y)"
    assert (tmp_path / "paper.md").read_text().count(said) == 3
    assert Publication("P", columns[:1], [], KNOWN).lead.endswith("scored by rules, then by x.")


def test_runs_as_they_are_say_so(tmp_path: Path) -> None:
    of = Publication("P", [column("base", 4), column("agent", 10, 2, as_is=True)], [], KNOWN)
    assert of.lead.endswith("Run as it is (--as-is): agent, 2 turns.")
    write_publication(tmp_path, of)
    runs = json.loads((tmp_path / "paper.json").read_text())["runs"]
    assert [each["as_is"] for each in runs] == [False, True]
    assert "--as-is" not in Publication("P", COLUMNS, [], KNOWN).lead


def test_arms_that_different_judges_marked_are_refused() -> None:
    judged = [result(f"q{n:02}", 1.0, scored_by="judge") for n in range(20)]
    other = Column.of("agent", "agent", "", 4, session(judged, 20, judge="x", name="agent"))
    with pytest.raises(SettingError, match="scored by different judges"):
        Publication("P", [COLUMNS[0], other], [("base", "agent")], KNOWN).check()

"""The page about a run: its numbers, its examples, and hostile or missing data."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from training_runs import SUMMARY, evaluation, finished, lay, ran, step

from agentflow_graph.errors import SettingError
from rl.run.report import examples, write_report

HOSTILE = "</pre><script>alert(1)</script><img src=//x.example onerror=alert(2)>\"' {{ 7 * 7 }} $x$"


def shown(number: int, reward: float) -> dict[str, Any]:
    """A row of the record, as far as it is chosen by it."""
    return {"id": f"q{number}", "level": f"level {number % 3}", "reward": reward}


class Elements(HTMLParser):
    """Every tag and every attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(finished(tmp_path_factory.mktemp("run") / "two-steps")).read_text("utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(finished(tmp_path_factory.mktemp("run") / "x", HOSTILE)).read_text("utf-8")


@pytest.mark.parametrize(
    "expected",
    [
        "Training run two-steps",
        "<b>25.0 %</b>",
        "95 % interval 19.9 % to 30.2 %",
        "<b>87.5 %</b>",
        "95 % interval 82.4 % to 92.7 %",
        "of 300 held-out questions",
        "12.5 % before training, 93.8 % after 2 steps",
        "<dd>2 of 2",
        "<dd>11</dd>",
        "16 questions, 8 runs of each",
        "vllm 0.32.0 on cpu",
        "openrlhf 0.11.2",
        "182 s",
        "<dd>not reached",
        "<dd>41 took part",
        "3 × ",
        "5 went from wrong to right, 2 were wrong both times, 3 were right both times",
    ],
)
def test_the_page_shows_the_numbers_of_the_run(page: str, expected: str) -> None:
    assert expected in page.replace("\n    ", " ").replace("  ", " ")


def test_a_finished_run_has_every_plot_and_no_warning(page: str) -> None:
    assert page.count("<svg") == 13
    assert 'class="notes"' not in page
    assert "Not recorded" not in page


def test_an_example_shows_both_runs_step_by_step(page: str) -> None:
    example = page.split("<article>")[1]
    assert re.search(
        r"<code>python -m agentflow_graph view \S+ heldout-0+-0\.7/\S+/0/0</code>", example
    )
    assert example.index("✗ wrong") < example.index("✓ right")
    assert example.count("Sub-goal: ") == 2
    assert example.count("no usable plan") == 2
    assert "plain(plain=&#39;plain&#39;)" in example
    assert "no tool called" in example
    assert "Check: go on — " in example


@pytest.mark.parametrize("which", ["page", "hostile"])
def test_the_page_needs_nothing_from_elsewhere(which: str, request: pytest.FixtureRequest) -> None:
    elements = Elements(request.getfixturevalue(which))
    assert elements.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base"})
    for name, value in elements.attributes:
        assert name not in {"src", "srcset", "action", "xmlns"} and not name.startswith("on")
        assert not name.endswith("href") or (value or "").startswith("#")
        assert "url(" not in (value or "").replace("url(#", "")


def test_text_of_models_tools_and_configuration_is_escaped(hostile: str) -> None:
    for raw in ("<script", 'alert(2)>"', "<img", " 49 "):
        assert raw not in hostile
    assert hostile.count("&lt;script&gt;alert(1)") > 50


def test_plots_take_their_colours_from_the_page(page: str) -> None:
    assert "#0000" not in page
    assert "var(--ink02)" in page.split("<svg")[1]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], ["No training step is recorded", "No evaluation on held-out", "after step 0"]),
        ([evaluation(0, 0.25)], ["No training step is recorded", "Only one evaluation", "25.0 %"]),
        ([step(1)], ["No evaluation on held-out", "No run on held-out", "after step 1"]),
        ([step(1, runs=0, tools={}, kl=None, mismatch_max=0, mismatch_mean=0)], ["Not recorded"]),
        ([evaluation(0, 0.5, 0.0), evaluation(3, 0.75, 0.0)], ["likeliest reply", "75.0 %"]),
    ],
    ids=["nothing", "step 0", "one step", "every run failed", "greedy only"],
)
def test_what_a_run_lacks_is_said(
    tmp_path: Path, entries: list[dict[str, Any]], expected: list[str]
) -> None:
    text = write_report(lay(tmp_path / "run", entries)).read_text("utf-8")
    assert "The run is not finished" in text
    for words in expected:
        assert words in text


def test_a_failed_run_is_an_example_without_outcome(tmp_path: Path) -> None:
    failed = ran(1, None, failure="judge: off the menu", fault="judge", state={}, actions=[])
    run = lay(
        tmp_path / "run", [evaluation(0, 0.0, levels={"level 1": 0.0})], heldout_00000_0_7=[failed]
    )
    text = write_report(run).read_text("utf-8")
    assert "No outcome: " in text
    assert "judge: off the menu" in text
    assert "✗ wrong" not in text


def test_an_evaluation_that_does_not_count_is_no_headline_and_faults_are_named(
    tmp_path: Path,
) -> None:
    silent = {"counts": False, "unscored": 24, "n": 6}
    entries = [evaluation(0, 0.25), evaluation(1, 0.375), evaluation(2, 1.0, **silent)]
    entries.insert(1, step(1, failed=5, faults={"policy": 7, "world": 3, "judge": 2}))
    text = write_report(lay(tmp_path / "run", entries)).read_text("utf-8")
    headline = text.split('class="headline"')[1].split('class="lead"')[0]
    assert "37.5 %" in headline
    assert "100.0 %" not in headline
    assert "24, does not count" in text
    assert "1 evaluation in which too many runs have no reward" in text
    assert "7 by the policy, graded; 3 by the world; 2 by the judge" in text


def test_a_greedy_run_shows_its_examples_too(tmp_path: Path) -> None:
    greedy = {"heldout_00000_0_0": [ran(1, 1.0)], "heldout_00000_0_7": [ran(2, 1.0)]}
    run = lay(tmp_path / "run", [evaluation(0, 0.5, 0.0, levels={"level 1": 0.5})], **greedy)
    text = write_report(run).read_text("utf-8")
    assert "Question 1 plain" in text
    assert "Question 2 plain" not in text, "of another evaluation"


def test_a_run_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    run = lay(tmp_path / "run", [step(1)])
    (run / "journal").mkdir()
    with pytest.raises(SettingError, match="with version 0.1.0"):
        write_report(run)
    assert not (run / "report.html").exists()


def test_of_a_step_done_again_after_a_resume_the_later_record_counts(tmp_path: Path) -> None:
    entries = [step(1), evaluation(1, 0.125), evaluation(1, 0.625)]
    text = write_report(lay(tmp_path / "run", entries)).read_text("utf-8")
    assert "62.5 %" in text
    assert "12.5 %" not in text


def test_examples_are_spread_over_changes_and_levels() -> None:
    before = [shown(n, float(n % 4 == 0)) for n in range(100)]
    after = [shown(n, float(n % 7 != 0)) for n in range(90)]
    found = examples([before, after])
    assert sum(found["changes"].values()) == 90
    assert list(found["changes"]) == list(dict(found["examples"]))
    assert [change for change, _ in found["examples"][:4]].count("from wrong to right") == 3
    assert len(found["examples"]) == 6
    assert len({same[0]["level"] for _, same in found["examples"][:3]}) == 3
    assert all(first["id"] == second["id"] for _, (first, second) in found["examples"])


def test_importing_the_module_leaves_matplotlib_alone() -> None:
    code = "import sys, rl.run.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_evaluation_has_its_row_and_the_best_planner_is_named(tmp_path: Path) -> None:
    seen = {"turns": 1.87, "one_turn": 0.415, "tool_errors": 0.123, "reply_tokens": 16.4}
    entries = [evaluation(0, 0.3), evaluation(10, 0.9, 0.0), evaluation(10, 0.8, **seen)]
    run = lay(tmp_path / "run", entries)
    kept = {"best_model": "best", "best_step": 10, "heldout_best": 0.8, "stopped_early": "so soon"}
    (run / "summary.json").write_bytes(orjson.dumps(orjson.loads(SUMMARY) | kept))
    page = write_report(run).read_text()
    rows = page.split('class="evaluations"')[1].split("</table>")[0].split("<tr>")[2:]
    assert [("greedy" in row, "T=0.7" in row) for row in rows] == [
        (False, True),
        (True, False),
        (False, True),
    ]
    assert all(figure in rows[2] for figure in ("80.0 %", "1.87", "41.5 %", "12.3 %", "16.4"))
    assert "<td>-</td>" in rows[0], "recorded before this figure was"
    assert "best/, of step 10" in page
    assert "so soon" in page

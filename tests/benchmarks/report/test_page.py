"""The page of a run: its numbers, and hostile text that must stay text."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from sessions import KNOWN, result, session

from benchmarks.report.content import report_of
from benchmarks.report.numbers.result import Result, Session
from benchmarks.report.plots import scale_y, svg
from benchmarks.report.report import page

HOSTILE = (
    "</td></table><script>alert(1)</script><img src=//x.example onerror=alert(2)>\"' {{ 7*7 }} $x$"
)


class Elements(HTMLParser):
    """Every tag and every attribute of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def shown(run: Session, baseline: Session | None = None) -> str:
    return page(report_of(run, KNOWN, baseline))


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    table = text.split(f"<h2>{heading}</h2>")[1].split("</table>")[0]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")]
    return [cells for cells in found if cells]


def hostile(item: str, score: float | None) -> Result:
    return result(
        item,
        score,
        task="almanac",
        level=HOSTILE,
        answer=HOSTILE,
        golds=(HOSTILE,),
        error="" if score is not None else HOSTILE,
        rule=HOSTILE,
        stopped_by=HOSTILE,
        tools={HOSTILE: 2},
    )


@pytest.fixture(scope="module")
def of_hostile_text() -> str:
    results = [hostile(HOSTILE, 0.0), hostile("b", 1.0), hostile("c", None)]
    changed: dict[str, Any] = {"name": HOSTILE, "judge": HOSTILE, "settings": {HOSTILE: HOSTILE}}
    return shown(session(results, {"almanac": 4}, **changed))


def test_text_of_a_model_stays_text(of_hostile_text: str) -> None:
    plain = shown(session([result("a", task="almanac", level="easy")], {"almanac": 2}))
    elements = Elements(of_hostile_text)
    assert elements.tags <= Elements(plain).tags | {"g", "use"}
    assert not {"script", "img", "a", "link", "iframe"} & elements.tags
    assert "&lt;script&gt;alert(1)" in of_hostile_text
    assert "{{ 7*7 }}" in of_hostile_text


def test_the_page_asks_nobody_for_anything(of_hostile_text: str) -> None:
    attributes = Elements(of_hostile_text).attributes
    assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]
    links = [value for name, value in attributes if name.endswith("href")]
    assert all(value and value.startswith("#") for value in links)
    assert "default-src 'none'" in of_hostile_text
    assert not re.search(r"url\((?!#)|@import", of_hostile_text)


def test_one_task_has_its_accuracy_as_headline_and_its_levels_in_the_plot() -> None:
    results = [result(f"q{n}", float(n > 2), level=f"level {n % 2}") for n in range(10)]
    text = shown(session(results, 10))
    assert "<b>70.0 %</b><small>Bamboogle; 95 % interval 39.7 % to 89.2 %</small>" in text
    assert "level 1</text>" in text
    assert rows(text, "By level")[1] == ["Bamboogle", "level 0", "5", "60.0 %", "23.1 to 88.2", "0"]


def test_several_tasks_have_the_mean_of_each_kind_as_headline() -> None:
    results = [result("a"), result("b", 0.0), result("a", task="2wiki"), result("a", task="aime24")]
    text = shown(session(results, {"bamboogle": 2, "2wiki": 1, "aime24": 4}))
    assert "<b>75.0 %</b><small>Search, mean of 2 tasks</small>" in text
    assert "<b>25.0 %</b><small>AIME24</small>" in text
    assert rows(text, "Accuracy")[-1][:4] == ["Search, mean of 2", "", "", "75.0 %"]


def test_missing_trials_are_said_and_explained() -> None:
    text = shown(session([result("a"), result("b", None, error="no server")], 4))
    assert "3 trials have no score" in text
    assert rows(text, "Missing")[1:] == [
        ["Bamboogle", "2", "not run"],
        ["Bamboogle", "1", "no server"],
    ]
    assert "no score" not in shown(session([result("a")], 1))


def test_the_run_stands_beside_the_paper_and_a_baseline() -> None:
    base = session([result("a", 0.0), result("b", 0.0)], 2, name="base")
    text = shown(session([result("a"), result("b", 0.0)], 2), base)
    assert rows(text, "Beside the paper")[1:] == [
        ["This run", "50.0"],
        ["Baseline", "0.0"],
        ["AgentFlow no RL", "58.4"],
        ["AgentFlow + Flow-GRPO", "69.6"],
        ["GPT-4o", "68.8"],
    ]
    assert rows(text, "Against the baseline")[1][2:5] == ["0.0 %", "50.0 %", "+50.0"]
    assert "AgentFlow + Flow-GRPO (paper)</li>" in text


def test_wrong_answers_are_listed_up_to_a_limit_from_every_task() -> None:
    wrong = [result(f"q{n:03}", 0.0, answer="y" * 900) for n in range(200)]
    other = result("z", 0.0, task="aime24")
    text = shown(session([*wrong, other], {"bamboogle": 200, "aime24": 1}))
    listed = rows(text, "Wrong answers")[1:]
    assert len(listed) == 60
    assert ["AIME24", "z", "1", "other", "gold", "answer_tag"] in listed
    assert "60 of 201." in text
    assert max(len(cell) for row in listed for cell in row) == 300


def test_an_unknown_price_is_called_unknown() -> None:
    known = shown(session([result("a", cost=0.5)], 1))
    unknown = shown(session([result("a", cost=None)], 1))
    assert rows(known, "What it took")[1][-3:] == ["$0.50", "$0.50", "$0.00"]
    assert rows(unknown, "What it took")[1][-3:] == ["unknown price", "unknown price", "$0.00"]


def test_a_plain_call_has_no_turns_and_nothing_that_ended_them() -> None:
    called = result("a", turns=0, tools={}, stopped_by="")
    text = shown(session([called], 1, settings={"outputs": "base"}, baseline="direct"))
    assert rows(text, "What it took")[1][1:3] == ["–", "–"]
    assert "What ended a trial" not in text and "<h2>Turns</h2>" not in text
    graph = shown(session([result("a")], 1))
    assert rows(graph, "What it took")[1][1:3] == ["2.00", "0.0 %"]


def test_a_run_that_has_not_begun_has_a_page() -> None:
    text = shown(session([], 3))
    assert "<b>0.0 %</b>" in text
    assert "<h2>Turns</h2>" not in text


def test_the_numbers_of_a_log_axis_are_plain_text() -> None:
    def draw(axes: Any) -> None:
        axes.plot([1e-5, 1e-3])
        scale_y(axes, "log")

    text = svg(draw, (4.0, 3.0))
    assert "mathdefault" not in text and "$" not in text
    assert ">1e-05</text>" in text and ">0.001</text>" in text

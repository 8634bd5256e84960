"""The hard almanac end to end: the oracle under the runner, each item in its own articles."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from agentflow_graph.graph import build_graph
from benchmarks.almanac.hard import plan
from benchmarks.almanac.scripted import ScriptedPlanner
from benchmarks.items.data import load
from benchmarks.report.content import report_of
from benchmarks.report.report import write_report
from benchmarks.runner.grading import Grader
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.store.records import Records
from benchmarks.runner.store.session import keys, read_session
from benchmarks.runner.trials import Trials
from benchmarks.tasks.registry import benchmark, registry

TASK = "almanac-hard"


async def run(folder: Folder, request: Request, items: Items) -> None:
    """All trials, without inspect's log."""
    folder.create(request, items)
    agent = build_graph({"planner": ScriptedPlanner(decide=plan, justified=True)})
    with folder.open() as record:
        records = Records.of([])
        with Grader(registry(), items, record, records) as grader:
            trials = Trials(agent, request, items, record, records, grader)
            await asyncio.gather(*map(trials.outcome, keys(request, items)))


async def test_the_oracle_is_right_in_its_calls_and_the_report_says_so(tmp_path: Path) -> None:
    items = {item.id: item for item in load(benchmark(TASK), "agentflow", None, 12)}
    folder = Folder(tmp_path / "run")
    settings = {"layout": "static_first", "passages": 1}
    request = Request("hard", {TASK: "agentflow"}, {TASK: 12}, settings=settings)
    await run(folder, request, {TASK: items})
    session = read_session(folder.path)
    assert [each.score for each in session.results] == [1.0] * 12
    failed = {each.level: each.tool_errors for each in session.results if each.tool_errors}
    assert failed == {"H9": 1}, "its clean twin has other articles"
    write_report(tmp_path, report_of(session, registry()))
    found = json.loads((tmp_path / "report.json").read_text())["hardness"][TASK]
    whole = found["whole"]
    assert (whole["right"], whole["of"], whole["items"], whole["mean"]) == (10, 10, 10, 1.0)
    assert whole["low"] == pytest.approx(0.7225, abs=1e-4) and whole["high"] == 1.0
    assert len(found["calls"]) == 10
    calls = found["calls"].values()
    assert all(each["made"] == each["least"] and each["over"] == 1.0 for each in calls)
    assert {level: each["pairs"] for level, each in found["robustness"].items()} == {
        "H8": 1,
        "H9": 1,
    }
    text = (tmp_path / "report.md").read_text()
    assert "## By hops" in text and "## Beside the clean twin" in text

"""Folders of benchmark runs, and recorded questions, damaged: see `test_files.py`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from damage import SECRET
from trying import Capture, Place, hold, records, sealed

from agentflow_graph.__main__ import main as agent
from agentflow_graph.record import Record
from benchmarks.__main__ import main
from benchmarks.items.data import load
from benchmarks.runner.store.folder import Folder, Request
from benchmarks.runner.store.records import Key
from benchmarks.tasks.registry import benchmark

TASK = "almanac"


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", SECRET)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of two items, written as the runner writes it."""
    items = {item.id: item for item in load(benchmark(TASK), "agentflow", None, 2)}
    folder = Folder(tmp_path / "run")
    folder.create(Request("run", {TASK: "agentflow"}, {TASK: 2}), {TASK: items})
    record = Record(folder.record)
    for item in items.values():
        key = Key(TASK, item.id, 1)
        spent = {"calls": 1, "input_tokens": 9, "output_tokens": 3, "seconds": 0.1}
        call = {"tool": "python_coder", "arguments": {}, "status": "ok", "result": "5"}
        state = {
            "turns": [{"index": 1, "calls": [{**call, "seconds": 0.1}]}],
            "seconds": 1.0,
            "answer": "5",
            "analysis": "",
            "stopped_by": "verifier",
            "error": "",
            "outputs": {"direct": "5"},
            "usage": {"planner": spent},
        }
        event = {"run": key.run, **key._asdict()}
        record.write({"event": "ended", "run": key.run, "state": state})
        record.write({"event": "trial", **event, "seconds": 1.0, "cost": 0.0, "error": ""})
        mark = {"value": 1.0, "answer": "5", "rule": "whole", "f1": None, "by": "rule"}
        record.write({"event": "scored", **event, "scoring": 0, "judge": "", "reason": "", **mark})
    record.close()
    return folder.path


def test_the_run_is_whole(run: Path, capsys: Capture) -> None:
    assert main(["report", str(run)]) == 0
    assert "100.0" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["run.json", "items.jsonl"])
def test_what_was_asked_for(name: str, run: Path, capsys: Capture) -> None:
    place = Place(run / name)
    hold(place, lambda: main(["score", str(run)]), capsys, (0, 1, 2))
    hold(place, lambda: main(["report", str(run)]), capsys, count=6, fixed=False)
    other = Path(shutil.copytree(run, run.with_name("other")))
    hold(place, lambda: main(["compare", str(other), str(run)]), capsys, count=3, fixed=False)


def test_the_record(run: Path, capsys: Capture) -> None:
    place = Place(records(run / "record")[0])
    hold(place, lambda: main(["score", str(run)]), capsys, (0, 1))
    hold(place, lambda: main(["report", str(run)]), capsys, count=4, fixed=False)


def test_events_that_are_none(run: Path, capsys: Capture) -> None:
    place = Place(records(run / "record")[0])
    sealed(place, lambda: main(["score", str(run)]), capsys)
    sealed(place, lambda: main(["report", str(run)]), capsys, count=8)


def test_a_recorded_question(tmp_path: Path, capsys: Capture) -> None:
    record = tmp_path / "record"
    assert agent(["What is 4738 * 37?", "--record", str(record), "--set", "seed=1"]) == 0
    place = Place(records(record)[0])
    replay = ["replay", str(record)]
    hold(place, lambda: agent(replay), capsys, (0, 1, 2))
    sealed(place, lambda: agent(replay), capsys, count=16)
    (counter,) = record.glob("*.tokenizer")
    hold(Place(counter), lambda: agent(replay), capsys, (0, 1, 2), count=3)

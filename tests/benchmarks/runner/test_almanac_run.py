"""The almanac end to end: the planner that ships, the command line, inspect's log, the report."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from launched import run_program

from agentflow_graph.record import RecordedRun, read
from agentflow_graph.record.events import Key
from benchmarks.__main__ import main
from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.session import read_session


def calls_of(run: RecordedRun) -> list[tuple[str, Key]]:
    """The calls that were answered, one that was answered twice twice."""
    return [(run.name, call.key) for call in run.calls if call.answer]


pytestmark = pytest.mark.integration

ITEMS, TRIALS = 10, 2
RETELL = """
import asyncio
from pathlib import Path
from benchmarks.runner.retelling import retell
from benchmarks.runner.store.folder import Folder
"""


def test_the_almanac_runs_resumes_and_is_read(tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log

    folder = Folder(tmp_path / "run")
    asked = ["--limit", str(ITEMS), "--trials", str(TRIALS), "--seed", "1"]
    words = ["-m", "benchmarks", "run", "almanac", "--run", str(folder.path), *asked]
    ran = run_program(*words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    session = read_session(folder.path)
    assert session.expected == {"almanac": ITEMS} and len(session.results) == ITEMS * TRIALS
    assert sum(result.score == 1.0 for result in session.results) >= 0.8 * ITEMS * TRIALS
    assert all(result.turns and result.tools and result.input_tokens for result in session.results)
    assert {result.cost for result in session.results} == {None}, "nobody has said what nano costs"

    # The last third is lost, as if it had been killed; what is missing runs with what is added.
    (file,) = folder.record.glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    kept = len(lines) * 2 // 3
    file.write_bytes(b"".join(lines[:kept]) + lines[kept][:40])
    added = run_program("-m", "benchmarks", "add", str(folder.path), "--trials", str(TRIALS + 1))
    assert added.returncode == 0, added.stdout + added.stderr
    again = read_session(folder.path).results
    assert len(again) == ITEMS * (TRIALS + 1)
    assert [r.score for r in again if r.trial <= TRIALS] == [r.score for r in session.results]
    answered = Counter(key for run in read(folder.record).values() for key in calls_of(run))
    assert max(answered.values()) == 1, "what was on record was asked again"

    (path,) = folder.logs.glob("*.eval")
    log = read_eval_log(str(path))
    assert len(log.samples or []) == ITEMS * (TRIALS + 1)
    sample = (log.samples or [])[0]
    spans = [event.name for event in sample.events if event.event == "span_begin"]
    turns = json.loads(sample.metadata["agentflow"])["turns"]
    modules = [f"{m} {t['index']}" for t in turns for m in ("planner", "executor", "verifier")]
    assert [name for name in spans if name in {*modules, "generator"}] == [*modules, "generator"]
    told = {event.source for event in sample.events if event.event == "info"}
    assert told == {"planner", "executor", "verifier", "generator"}
    assert not (tmp_path / "logs").exists()

    assert main(["report", str(folder.path)]) == 0
    summary = json.loads((folder.path / "report.json").read_text())["tasks"]["almanac"]
    right = sum(result.score == 1.0 for result in read_session(folder.path).results)
    assert summary["accuracy"]["mean"] == pytest.approx(right / len(again))
    assert (
        f"| Almanac | agentflow | {ITEMS} x {TRIALS + 1} |"
        in (folder.path / "report.md").read_text()
    )
    assert (folder.path / "report.html").read_text().count("<svg") >= 2
    is_told(folder, 0)

    scored = run_program("-m", "benchmarks", "score", str(folder.path))
    assert scored.returncode == 0, scored.stdout + scored.stderr
    assert f"scoring 1: {right} of {len(again)} right (rules alone, shown)" in scored.stdout
    assert not folder.logs.exists(), "a log of what is no longer shown"
    program = f"{RETELL}\nasyncio.run(retell(Folder(Path({str(folder.path)!r}))))"
    retold = run_program("-c", program)
    assert retold.returncode == 0, retold.stdout + retold.stderr
    is_told(folder, 1)


def is_told(folder: Folder, scoring: int) -> None:
    """The log tells that scoring, with the accuracy of the report and the model's name."""
    from inspect_ai.log import read_eval_log

    (path,) = folder.logs.glob("*.eval")
    log = read_eval_log(str(path), header_only=True)
    session = read_session(folder.path, scoring)
    assert log.eval.metadata and log.eval.metadata["scoring"] == session.scoring == scoring
    assert log.eval.metadata["baseline"] == session.baseline == "" and not session.as_is
    assert log.eval.model == "agentflow/nano" and log.results
    accuracy = log.results.scores[0].metrics["accuracy"].value
    own = [result.score or 0.0 for result in session.results]
    assert accuracy == pytest.approx(sum(own) / len(own))

"""Each process that works on a run says by what; the report and the comparison tell it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from answering import Answering, Reply
from answering import Request as Asked
from quiz_runs import N, Quiz
from quizzes import QUIZ, noting_judge, quiz_agent, quiz_benchmark
from scored_runs import run_with

from benchmarks.__main__ import main
from benchmarks.report.content import report_of
from benchmarks.report.numbers.pairing import compare
from benchmarks.report.numbers.result import Session
from benchmarks.report.origin import provenance_table
from benchmarks.report.report import record
from benchmarks.runner import inspecting
from benchmarks.runner.growing import grown
from benchmarks.runner.run import resume, score
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.store.records import Event
from benchmarks.runner.store.session import keys, read_session
from benchmarks.runner.trials import Trials

FIRST = {
    "date": "2026-11-01T08:00:00+00:00",
    "version": "1",
    "commit": "aaa",
    "judge": "judge-1",
    "models": {"planner": {"served": "planner-1"}},
}
LATER = {
    "date": "2026-11-02T08:00:00+00:00",
    "version": "1",
    "commit": "bbb",
    "judge": "judge-1",
    "served": {"planner": "planner-2"},
}
BENCHMARKS = {QUIZ: quiz_benchmark()}


async def begun(path: Path) -> Quiz:
    quiz = Quiz(path, noting_judge(path / "judged"), provenance=FIRST)
    assert await quiz.run() == ["ok"] * N
    return quiz


async def more_trials(quiz: Quiz, monkeypatch: pytest.MonkeyPatch, told: Event) -> None:
    async def plain(
        folder: Folder, request: Request, items: Items, trials: Trials, scoring: int
    ) -> list[SimpleNamespace]:
        for key in keys(request, items):
            await trials.outcome(key)
        return [SimpleNamespace(status="success")]

    monkeypatch.setattr(inspecting, "evaluate", plain)
    quiz.folder.create(*grown(quiz.folder.request(), quiz.folder.items(), 2, {}))
    agent = quiz_agent(quiz.calls)
    assert await resume(quiz.folder, BENCHMARKS, agent, quiz.judge, told=told) == 0


def rows(session: Session) -> dict[str, str]:
    return {row[0]: row[1] for row in provenance_table(session).rows}


async def test_what_is_added_later_is_told_with_its_own_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = await begun(tmp_path)
    alone = read_session(quiz.path)
    await more_trials(quiz, monkeypatch, LATER)
    session = read_session(quiz.path)
    assert [each["trials"] for each in session.sittings] == [N, N]
    assert session.provenance == FIRST, "what began it stays"
    said = rows(session)[f"later, {LATER['date']}"]
    changes = "commit: aaa is now bbb; planner as served: planner-1 is now planner-2"
    assert said == f"{N} trials, {N} marks of scoring 0; {changes}"
    assert record(report_of(session, BENCHMARKS))["sittings"] == session.sittings
    differs = compare(alone, session).differs
    assert "commit: aaa and aaa, then bbb" in differs
    assert "planner as served: planner-1 and planner-1, then planner-2" in differs
    assert not any("judge" in each for each in differs)


async def test_a_later_scoring_has_its_own_judge_and_day(tmp_path: Path) -> None:
    quiz = await begun(tmp_path)
    told = {"date": "2026-11-03T08:00:00+00:00", "commit": "ccc", "judge": "other-7"}
    other = noting_judge(tmp_path / "other", "other")
    assert await score(quiz.folder, BENCHMARKS, other, told=told) == (1, 0)
    own, anew = read_session(quiz.path, 0), read_session(quiz.path)
    assert (own.provenance["judge"], anew.provenance["judge"]) == ("judge-1", "other-7")
    assert [each["scoring"] for each in own.sittings] == [0], "scoring 1 is none of its business"
    said = rows(anew)[f"later, {told['date']}"]
    assert said == f"0 trials, {N} marks of scoring 1; commit: aaa is now ccc"
    assert "judge as served: judge-1 and other-7" in compare(own, anew).differs


async def test_a_command_that_did_nothing_is_not_told(tmp_path: Path) -> None:
    quiz = await begun(tmp_path)
    assert await score(quiz.folder, BENCHMARKS, quiz.judge, 0, LATER) == (0, 0)
    assert len(read_session(quiz.path).sittings) == 1


@pytest.mark.integration
def test_score_notes_what_its_server_calls_its_judge(tmp_path: Path) -> None:
    def judges(request: Asked) -> Reply:
        text = "So.\nVERDICT: INCORRECT" if len(server.asked) > 1 else "ready"
        choice = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": text}
        frame = {"id": "c", "object": "chat.completion", "created": 1, "model": "judge-2026"}
        return Reply(body={**frame, "choices": [choice]})

    run = run_with(tmp_path / "run", ("", "1000"))
    with Answering(judges) as server:
        assert main(["score", run, "--judge", f"vllm:judge@{server.url}"]) == 0
    assert main(["report", run]) == 0
    found = json.loads((Path(run) / "report.json").read_text())
    _, sitting = found["sittings"]
    assert (sitting["scoring"], sitting["marks"], sitting["judge"]) == (1, 4, "judge-2026")
    assert sitting["date"] and sitting["version"]
    assert "0 trials, 4 marks of scoring 1" in (Path(run) / "report.md").read_text()

"""Marks: by rule, by judge, anew; and what a session says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from charging import CALL, charging, model
from quiz_runs import N, Quiz, answered
from quizzes import QUIZ, counted, noting_judge, quiz_benchmark

from agentflow_graph.errors import SettingError
from agentflow_graph.models.providers.prices import Price
from benchmarks.errors import RunStopped
from benchmarks.report.numbers.spending import spending
from benchmarks.report.numbers.summary import summarise
from benchmarks.runner.grading import audited
from benchmarks.runner.run import score
from benchmarks.runner.store.records import Key
from benchmarks.runner.store.session import read_session
from benchmarks.runner.store.standing import standings
from benchmarks.scoring.judge import Judge

ONCE = {"0": 1, "0:control": 1, "3": 1, "3:control": 1}
"""What the judge is asked in a run: each answer that the rule refuses, and its control."""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    return tmp_path / "judged"


async def test_the_rule_alone_marks_where_there_is_no_judge(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    assert await quiz.run() == ["ok"] * N
    assert quiz.scores() == [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]


async def test_the_judge_is_asked_only_where_the_rule_says_no(tmp_path: Path, judged: Path) -> None:
    quiz = Quiz(tmp_path, noting_judge(judged))
    await quiz.run()
    assert counted(judged) == ONCE
    assert quiz.scores() == [1.0] * N
    by = [result.scored_by for result in read_session(quiz.path).results]
    assert by == ["judge", "rule", "rule"] * 2
    await Quiz(tmp_path, noting_judge(judged)).run()
    assert counted(judged) == ONCE and quiz.asked().total() == N


@pytest.mark.parametrize(
    ("broken", "why"), [({"hangs": True}, "timeout"), ({"says": "Perhaps."}, "off the menu")]
)
async def test_a_judge_that_fails_leaves_no_score_and_is_asked_again(
    broken: dict[str, Any], why: str, tmp_path: Path, judged: Path
) -> None:
    quiz = Quiz(tmp_path, noting_judge(judged, **broken))
    assert [str(one) for one in await quiz.run()].count("ok") == 4
    assert counted(judged) == {"0": 1, "3": 1}
    result = read_session(quiz.path).results[0]
    assert result.score is None and f"the judge judge failed: {why}" in result.error
    await Quiz(tmp_path, noting_judge(judged)).run()
    assert counted(judged) == {**ONCE, "0": 2, "3": 2}
    assert quiz.scores() == [1.0] * N
    assert quiz.asked() == {str(n): 1 for n in range(N)}


@pytest.mark.parametrize(("number", "again"), [(0, {"0:control": 2}), (1, {})])
async def test_after_a_kill_the_judge_is_asked_only_for_what_it_had_not_answered(
    number: int, again: dict[str, int], tmp_path: Path, judged: Path
) -> None:
    """Killed when the true question was answered, or the control question beside it too."""
    quiz = Quiz(tmp_path, noting_judge(judged))
    await quiz.run()
    quiz.cut_after(answered("judge", number))
    called = quiz.asked()
    before = {"0": 1, "0:control": 1}  # of item 0; the others come after the cut
    judged.write_text("0\n0:control\n")
    assert await Quiz(tmp_path, noting_judge(judged)).run() == ["ok"] * N
    assert counted(judged) == {**ONCE, **before, **again}
    assert quiz.scores() == [1.0] * N
    assert quiz.asked()["0"] == called["0"] == 1
    verdicts = [event for event in quiz.events(1) if event["event"] == "scored"]
    assert verdicts[0]["item"] == "q0" and verdicts[0]["by"] == "judge"


async def test_scoring_anew_stands_beside_the_old_and_runs_no_graph(
    tmp_path: Path, judged: Path
) -> None:
    quiz = Quiz(tmp_path)
    await quiz.run()
    benchmarks = {QUIZ: quiz_benchmark()}
    assert await score(quiz.folder, benchmarks, noting_judge(judged)) == (1, 0)
    assert quiz.scores() == [1.0] * N and quiz.scores(0).count(1.0) == 4
    assert read_session(quiz.path).judge == "judge"
    assert await score(quiz.folder, benchmarks, noting_judge(judged)) == (2, 0)
    assert counted(judged) == ONCE, "a verdict was asked for twice"
    assert await score(quiz.folder, benchmarks, noting_judge(judged, "other")) == (3, 0)
    assert counted(judged) == dict.fromkeys(ONCE, 2)
    assert quiz.asked().total() == N
    with pytest.raises(SettingError, match="there is no scoring 9"):
        read_session(quiz.path, 9)


async def test_a_model_that_fails_is_missing_and_tried_again(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    outcomes = await quiz.run(fails=lambda number, before: number == 2)
    assert [str(one) == "ok" for one in outcomes] == [True, True, False, True, True, True]
    lost = read_session(quiz.path).results[2]
    assert lost.score is None and "the model is away" in lost.error and lost.turns == 1
    assert await quiz.run() == ["ok"] * N
    assert quiz.asked() == {**{str(n): 1 for n in range(N)}, "2": 2}


async def test_what_never_ran_is_missing(tmp_path: Path) -> None:
    session = read_session(Quiz(tmp_path, trials=2).path)
    assert len(session.results) == 2 * N
    assert {(result.score, result.error) for result in session.results} == {(None, "not run")}


async def test_a_run_stops_where_its_money_is_spent(tmp_path: Path) -> None:
    prices = {"judge": Price(1, 1)}
    quiz = Quiz(tmp_path, max_cost=0.5, prices=prices)
    with quiz.folder.open() as record:
        lost = {"task": QUIZ, "item": "q5", "trial": 1, "error": "x", "seconds": 1, "cost": 0.6}
        record.write({"event": "trial", "run": f"{QUIZ}/q5/1", **lost})
    outcomes = await quiz.run()
    assert {type(one) for one in outcomes} == {RunStopped}
    assert "0.60 of 0.50 US dollars are spent" in str(outcomes[0])
    assert quiz.asked().total() == 0


@pytest.mark.integration
async def test_what_the_judge_cost_stands_beside_what_the_graph_cost(tmp_path: Path) -> None:
    with charging() as server:
        judge = Judge.of(model(server, "judge"))
        quiz = Quiz(tmp_path, judge, prices={"vllm:judge@*": Price(100, 1000, 10)})
        assert await quiz.run() == ["ok"] * N
    found = spending(read_session(quiz.path))
    assert (found["judge"].of, found["judge"].calls) == (judge.name, 2)
    assert (found["judge"].cached_tokens, found["judge"].dollars) == (800, pytest.approx(2 * CALL))
    assert found["planner"].dollars is None, "an object without a price"
    marks = [event for event in quiz.events() if event["event"] == "scored" and event["judge"]]
    assert [event["cost"] for event in marks] == [pytest.approx(CALL)] * 2


def test_a_run_folder_reads_back_as_it_was_asked_for(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, max_cost=2.5, prices={"m": Price(1, 2)}, seed=4)
    assert quiz.folder.request() == quiz.request
    assert quiz.folder.items() == quiz.items


async def test_the_judge_is_also_asked_about_a_sample_of_what_the_rule_calls_right(
    tmp_path: Path, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.runner.grading.AUDITED", 1.0)
    quiz = Quiz(tmp_path, noting_judge(judged))
    assert await quiz.run() == ["ok"] * N
    results = read_session(quiz.path).results
    assert [each.audit for each in results] == [None, 0.0, 0.0] * 2
    assert all(each.score == 1.0 for each in results), "the rule's yes stands"
    summary = summarise(read_session(quiz.path))[QUIZ]
    assert (summary.audited, summary.audited_right, summary.agreement) == (4, 0, 0.0)
    asked = counted(judged)
    assert asked.total() == len(ONCE) + 4
    await Quiz(tmp_path, noting_judge(judged)).run()
    assert counted(judged) == asked


@pytest.mark.parametrize("command", ["resume", "score"])
async def test_an_audit_on_which_the_judge_fails_is_made_by_the_next_command(
    command: str, tmp_path: Path, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.runner.grading.AUDITED", 1.0)
    quiz = Quiz(tmp_path, noting_judge(judged, says="Perhaps."))
    await quiz.run()
    before = read_session(quiz.path)
    assert [each.audit_owed for each in before.results] == [False, True, True] * 2
    assert [each.score for each in before.results] == [None, 1.0, 1.0] * 2, "the rule's yes stands"
    (owed,) = standings(quiz.path)
    assert (owed.right, owed.unmarked, owed.unaudited) == (4, 2, 4)
    if command == "resume":
        await Quiz(tmp_path, noting_judge(judged)).run()
    else:
        await score(quiz.folder, {QUIZ: quiz_benchmark()}, noting_judge(judged), 0)
    once = Quiz(tmp_path / "once", noting_judge(tmp_path / "other"))
    await once.run()
    found, wanted = read_session(quiz.path), read_session(once.path)
    assert [each.audit for each in found.results] == [each.audit for each in wanted.results]
    assert summarise(found)[QUIZ].audited == summarise(wanted)[QUIZ].audited == 4
    assert not any(each.audit_owed for each in found.results)


def test_the_sample_is_a_tenth_and_always_the_same() -> None:
    keys = [Key(QUIZ, f"q{n}", 1) for n in range(5_000)]
    drawn = [audited(key) for key in keys]
    assert 0.08 < sum(drawn) / len(drawn) < 0.12
    assert drawn == [audited(key) for key in keys]

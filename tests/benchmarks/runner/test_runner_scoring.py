"""Marks: by rule, by judge, anew; and what a session says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quizzes import (
    QUIZ,
    NotingJudge,
    counted,
    quiz_agent,
    quiz_benchmark,
    quiz_items,
    quiz_request,
)

from agentflow_graph.errors import SettingError
from benchmarks.errors import RunStopped, TrialFailed
from benchmarks.runner.folder import Folder
from benchmarks.runner.journal import Journal, Key, read
from benchmarks.runner.marking import Marker
from benchmarks.runner.prices import Price
from benchmarks.runner.records import Records
from benchmarks.runner.run import score
from benchmarks.runner.session import keys, read_session
from benchmarks.runner.trials import Trials

N = 6
"""Items; of them q0 and q3 have golds that the rule does not find."""


class Quiz:
    """A run without inspect: the trials and all that they write."""

    def __init__(self, path: Path, judge: NotingJudge | None = None, **more: Any) -> None:
        self.path, self.calls = path / "run", path / "calls"
        self.folder, self.items = Folder(self.path), quiz_items(N)
        self.request = quiz_request(N, judge=judge.name if judge else "", **more)
        self.judge = judge
        if not self.path.exists():
            self.folder.create(self.request, self.items)

    async def run(self, **how: Any) -> list[BaseException | str]:
        """What became of each trial: `ok` or its error."""
        given = {QUIZ: quiz_benchmark()}, self.items
        with Journal.opened(self.folder.journal_file) as journal:
            records = Records.of(read(self.folder.journal_file))
            with Marker(*given, journal, records, self.judge) as marker:
                agent = quiz_agent(self.calls, **how)
                trials = Trials(agent, self.request, self.items, journal, records, marker)
                return [await self._one(trials, key) for key in keys(self.request, self.items)]

    @staticmethod
    async def _one(trials: Trials, key: Key) -> BaseException | str:
        try:
            await trials.outcome(key)
        except (TrialFailed, RunStopped) as error:
            return error
        return "ok"

    def scores(self, scoring: int | None = None) -> list[float | None]:
        return [result.score for result in read_session(self.path, scoring).results]


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "judged"


async def test_the_rule_alone_marks_where_there_is_no_judge(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    assert await quiz.run() == ["ok"] * N
    assert quiz.scores() == [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]


async def test_the_judge_is_asked_only_where_the_rule_says_no(tmp_path: Path, judged: Path) -> None:
    quiz = Quiz(tmp_path, NotingJudge(judged))
    await quiz.run()
    assert counted(judged) == {"0": 1, "3": 1}
    assert quiz.scores() == [1.0] * N
    by = [result.scored_by for result in read_session(quiz.path).results]
    assert by == ["judge", "rule", "rule"] * 2
    await Quiz(tmp_path, NotingJudge(judged)).run()
    assert counted(judged).total() == 2 and counted(quiz.calls).total() == N


async def test_a_judge_that_fails_leaves_no_score_and_is_asked_again(
    tmp_path: Path, judged: Path
) -> None:
    quiz = Quiz(tmp_path, NotingJudge(judged, broken=True))
    assert [str(one) for one in await quiz.run()].count("ok") == 4
    result = read_session(quiz.path).results[0]
    assert result.score is None and "the judge judge failed: timeout" in result.error
    await Quiz(tmp_path, NotingJudge(judged)).run()
    assert quiz.scores() == [1.0] * N
    assert counted(quiz.calls) == {str(n): 1 for n in range(N)}


async def test_scoring_anew_stands_beside_the_old_and_runs_no_graph(
    tmp_path: Path, judged: Path
) -> None:
    quiz = Quiz(tmp_path)
    await quiz.run()
    benchmarks = {QUIZ: quiz_benchmark()}
    assert await score(quiz.folder, benchmarks, NotingJudge(judged)) == (1, 0)
    assert quiz.scores() == [1.0] * N and quiz.scores(0).count(1.0) == 4
    assert read_session(quiz.path).judge == "judge"
    assert await score(quiz.folder, benchmarks, NotingJudge(judged)) == (2, 0)
    assert counted(judged).total() == 2, "a verdict was asked for twice"
    assert await score(quiz.folder, benchmarks, NotingJudge(judged, "other")) == (3, 0)
    assert counted(judged).total() == 4
    assert counted(quiz.calls).total() == N
    with pytest.raises(SettingError, match="there is no scoring 9"):
        read_session(quiz.path, 9)


async def test_a_model_that_fails_is_missing_and_tried_again(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    outcomes = await quiz.run(fails=lambda number, before: number == 2)
    assert [str(one) == "ok" for one in outcomes] == [True, True, False, True, True, True]
    lost = read_session(quiz.path).results[2]
    assert lost.score is None and "the model is away" in lost.error and lost.turns == 1
    assert await quiz.run() == ["ok"] * N
    assert counted(quiz.calls) == {**{str(n): 1 for n in range(N)}, "2": 2}


async def test_what_never_ran_is_missing(tmp_path: Path) -> None:
    session = read_session(Quiz(tmp_path, trials=2).path)
    assert len(session.results) == 2 * N
    assert {(result.score, result.error) for result in session.results} == {(None, "not run")}


async def test_a_run_stops_where_its_money_is_spent(tmp_path: Path) -> None:
    prices = {"judge": Price(1, 1)}
    quiz = Quiz(tmp_path, max_cost=0.5, prices=prices)
    with Journal.opened(quiz.folder.journal_file) as journal:
        lost = {"task": QUIZ, "item": "q5", "trial": 1, "error": "x", "state": {}, "seconds": 1}
        await journal.append({"event": "failed", "cost": 0.6, **lost})
    outcomes = await quiz.run()
    assert {type(one) for one in outcomes} == {RunStopped}
    assert "0.60 of 0.50 US dollars are spent" in str(outcomes[0])
    assert counted(quiz.calls).total() == 0


def test_a_run_folder_reads_back_as_it_was_asked_for(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, max_cost=2.5, prices={"m": Price(1, 2)}, seed=4)
    assert quiz.folder.request() == quiz.request
    assert quiz.folder.items() == quiz.items

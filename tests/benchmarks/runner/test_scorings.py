"""Scorings: what is shown is complete, and the numbers do not depend on the order of commands.

Nothing here waits for inspect: its part is played by a loop over the trials, and
`test_retelling.py` holds its log to the report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from quiz_runs import Quiz
from quizzes import GOLD, QUIZ, noting_judge, quiz_agent, quiz_benchmark, quiz_items, quiz_request

from agentflow_graph.errors import SettingError
from benchmarks.commands.outcome import finish
from benchmarks.errors import TrialFailed
from benchmarks.items.item import Item
from benchmarks.report.numbers.pairing import compare, same_judge
from benchmarks.report.numbers.result import Session
from benchmarks.report.numbers.summary import summarise
from benchmarks.runner import grading, inspecting
from benchmarks.runner.growing import grown
from benchmarks.runner.run import resume, score, start
from benchmarks.runner.store.folder import Folder, Items, Request
from benchmarks.runner.store.session import keys, read_session, scoring_of, scorings
from benchmarks.runner.store.standing import standings
from benchmarks.runner.trials import Trials
from benchmarks.scoring.judge import Judge

LOG = "quiz.eval"
BENCHMARKS = {QUIZ: quiz_benchmark(), "other": quiz_benchmark()}


async def plain(
    folder: Folder, request: Request, items: Items, trials: Trials, scoring: int = 0
) -> list[Any]:
    """What inspect does of a run, without its log."""
    for key in keys(request, items):
        try:
            await trials.outcome(key)
        except TrialFailed:
            continue
    folder.logs.mkdir()
    (folder.logs / LOG).write_text(str(scoring))
    return [SimpleNamespace(status="success")] * len(items)


@pytest.fixture(scope="module", autouse=True)
def without_inspect() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspecting, "evaluate", plain)
        patch.setattr(grading, "AUDITED", 1.0)
        yield


def right(session: Session, item: Mapping[str, Item], task: str, name: str) -> bool:
    """Whether an answered trial is right in a scoring: the judge accepts what the rule refuses."""
    return item[name].golds != (GOLD,) or bool(session.judge)


class Run:
    """A run of the quiz, with commands as functions."""

    def __init__(
        self, path: Path, n: int = 2, trials: int = 1, judge: str = "", says: str = ""
    ) -> None:
        self.path, self.folder = path / "run", Folder(path / "run")
        self.away: frozenset[int] = frozenset()
        self.agent = quiz_agent(path / "calls", fails=lambda number, _: number in self.away)
        self.judges = path / "judged"
        request = quiz_request(n, trials=trials, judge=judge)
        self.does(start, request, quiz_items(n), BENCHMARKS, self.agent, self.judge(judge, says))

    def judge(self, name: str, says: str = "") -> Judge | None:
        return noting_judge(self.judges, name, says=says) if name else None

    def does(self, command: Any, *given: Any, **named: Any) -> Any:
        if command in (start, resume):
            named["out"] = StringIO()
        return asyncio.run(command(self.folder, *given, **named))

    def resume(self, away: frozenset[int] = frozenset(), scoring: int | None = None) -> int:
        self.away = away
        _, judge = scoring_of(self.path, scoring)
        missing: int = self.does(resume, BENCHMARKS, self.agent, self.judge(judge), scoring=scoring)
        return missing

    def score(self, judge: str, says: str = "") -> int:
        number, _ = self.does(score, BENCHMARKS, self.judge(judge, says))
        return int(number)

    def grow(self, n: int, trials: int, task: str = QUIZ) -> None:
        request, items = self.folder.request(), self.folder.items()
        own = quiz_items(n)[QUIZ]
        self.folder.create(*grown(request, items, trials, {task: ("full", own)}))

    def read(self, scoring: int | None = None) -> Session:
        return read_session(self.path, scoring)


class Commands(RuleBasedStateMachine):
    """Run, score, resume, add, compare, report in any order."""

    @initialize(judge=st.sampled_from(["", "a"]), says=st.sampled_from(["", "Perhaps."]))
    def begins(self, judge: str, says: str) -> None:
        self.run = Run(next(FOLDERS), judge=judge, says=says)
        self.sizes = {QUIZ: 2}
        self.trials, self.complete = 1, [0]
        self.judges = {0: judge}

    @rule(away=st.frozensets(st.integers(0, 3)))
    def resumes(self, away: frozenset[int]) -> None:
        missing = self.run.resume(away)
        shown = self.run.read()
        assert missing == sum(each.score is None for each in shown.results)

    @rule(judge=st.sampled_from(["", "a", "b"]))
    def scores(self, judge: str) -> None:
        number = self.run.score(judge)
        self.judges[number] = judge
        self.complete.append(number)

    @rule(judge=st.sampled_from(["a", "b"]))
    def a_judge_breaks_off(self, judge: str) -> None:
        """A scoring by a judge that gives no verdict is incomplete where the rule says no."""
        number = self.run.score(judge, says="Perhaps.")
        self.judges[number] = judge
        (whole,) = (
            each.unmarked == 0 for each in standings(self.run.path) if each.number == number
        )
        if whole:
            self.complete.append(number)

    @rule(judges=st.permutations(["a", "b"]))
    def an_older_scoring_is_completed_last(self, judges: list[str]) -> None:
        """One is broken off, a younger one becomes complete, then the older one does."""
        broken, other = judges
        self.a_judge_breaks_off(broken)
        self.scores(other)
        self.what_is_shown_is_what_became_complete_last()
        self.scores(broken)

    @precondition(lambda self: self.trials < 2)
    @rule()
    def adds_a_trial(self) -> None:
        self.trials += 1
        self.run.grow(self.sizes[QUIZ], self.trials)

    @precondition(lambda self: self.sizes[QUIZ] < 4)
    @rule()
    def adds_an_item(self) -> None:
        self.sizes[QUIZ] += 1
        self.run.grow(self.sizes[QUIZ], self.trials)

    @precondition(lambda self: "other" not in self.sizes)
    @rule()
    def adds_a_task(self) -> None:
        self.sizes["other"] = 1
        self.run.grow(1, self.trials, "other")

    @invariant()
    def what_is_shown_is_what_became_complete_last(self) -> None:
        shown = self.run.read()
        assert shown.scoring == self.complete[-1] and shown.judge == self.judges[shown.scoring]
        assert (shown.expected, shown.trials) == (self.sizes, self.trials)
        assert len(shown.results) == sum(self.sizes.values()) * self.trials
        items = self.run.folder.items()
        for each in shown.results:
            wanted = float(right(shown, items[each.task], each.task, each.item))
            assert each.score in (None, wanted)
        for task, summary in summarise(shown).items():
            own = [each.score or 0.0 for each in shown.results if each.task == task]
            assert summary.accuracy.mean == pytest.approx(sum(own) / len(own))
            assert summary.missing == sum(e.score is None for e in shown.results if e.task == task)

    def teardown(self) -> None:
        """However it came about, the finished run has the numbers of one that was run at once."""
        assert self.run.resume() == 0
        shown = self.run.read()
        items = self.run.folder.items()
        wanted = [float(right(shown, items[e.task], e.task, e.item)) for e in shown.results]
        assert [each.score for each in shown.results] == wanted
        audits = [0.0 if shown.judge and e.scored_by == "rule" else None for e in shown.results]
        assert [each.audit for each in shown.results] == audits
        same_judge(shown, shown)
        assert all(each.test.difference == 0.0 for each in compare(shown, shown).differences)
        assert not compare(shown, shown).differs


FOLDERS: Iterator[Path]


def test_the_order_of_commands_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    global FOLDERS
    FOLDERS = (tmp_path_factory.mktemp("commands") for _ in iter(int, 1))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Commands, settings=settings(max_examples=8, stateful_step_count=6, deadline=None)
    )


def test_resume_completes_the_scoring_that_is_shown(tmp_path: Path) -> None:
    run = Run(tmp_path, n=4, judge="a")
    assert run.score("") == 1 and run.read().judge == ""
    run.grow(4, 2)
    assert [each.score for each in run.read().results].count(None) == 4
    assert run.resume() == 0
    assert [each.score for each in run.read().results] == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    own = run.read(0).results
    assert [each.error for each in own if each.trial == 2] == ["finished, but not scored yet"] * 4
    assert run.resume(scoring=0) == 0
    assert [each.score for each in run.read(0).results] == [1.0] * 8
    assert run.read().scoring == 1, "what was shown is shown still"


def test_an_incomplete_scoring_is_not_shown_until_it_is_completed(tmp_path: Path) -> None:
    run = Run(tmp_path, n=4)
    assert run.score("a", says="Perhaps.") == 1
    assert (run.read().scoring, scorings(run.path)) == (0, [0, 1])
    unfinished = run.read(1).results
    assert [each.score for each in unfinished] == [None, 1.0, 1.0, None]
    assert run.score("b") == 2, "another judge is another scoring"
    assert run.read().scoring == 2
    assert run.score("a") == 1, "the same judge goes on with what was broken off"
    assert run.read().scoring == 1 and [e.score for e in run.read().results] == [1.0] * 4


def test_inspects_log_is_of_the_shown_scoring_and_tells_all_its_marks(tmp_path: Path) -> None:
    run = Run(tmp_path, judge="a", says="Perhaps.")
    log = run.folder.logs / LOG
    assert run.read().results[0].score is None and log.read_text() == "0"
    run.score("b", says="Perhaps.")
    assert log.exists(), "a scoring that is not shown was begun"
    run.does(score, BENCHMARKS, run.judge("a"), 0)
    assert run.read().results[0].score == 1.0 and not log.exists()
    assert run.resume() == 0 and log.read_text() == "0"
    assert run.score("b") == 1 and not log.exists()
    assert run.resume(scoring=0) == 0 and not log.exists(), "scoring 1 is shown"
    assert run.resume() == 0 and log.read_text() == "1"
    run.does(score, BENCHMARKS, run.judge("b"), 1)
    assert log.exists(), "nothing was marked"


def test_a_command_names_the_scoring_that_it_worked_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path, judge="a")
    assert run.score("b") == 1

    async def nothing() -> int:
        return 0

    def said(scoring: int) -> str:
        assert finish(run.folder, nothing(), scoring) == 0
        return capsys.readouterr().out

    assert said(0).startswith("scoring 0 (a, not the one that is shown):\nquiz: 2 of 2 right")
    assert said(0).endswith(f"view {run.path} --scoring 0\n")
    assert said(1).startswith("scoring 1 (b, shown):\n") and "--scoring" not in said(1)


def test_a_scoring_is_marked_by_its_own_judge_alone(tmp_path: Path) -> None:
    run = Run(tmp_path, judge="a")
    with pytest.raises(SettingError, match="scoring 0 is by a, not by rules alone; make another"):
        run.does(resume, BENCHMARKS, run.agent, None)


def test_a_run_only_grows(tmp_path: Path) -> None:
    run = Run(tmp_path, n=3, trials=2)
    request, items = run.folder.request(), run.folder.items()
    with pytest.raises(SettingError, match="--trials 1 is fewer than the 2 of the run"):
        grown(request, items, 1, {})
    with pytest.raises(SettingError, match="nothing is added: the run has 2 trials of .*'quiz': 3"):
        grown(request, items, 2, {QUIZ: ("full", items[QUIZ])})
    with pytest.raises(SettingError, match="1 of the run's 3 items, such as 'q2', are not among"):
        grown(request, items, 3, {QUIZ: ("full", quiz_items(2)[QUIZ])})
    changed = {**quiz_items(4)[QUIZ], "q1": Item("q1", "Another question?", ("10",))}
    with pytest.raises(SettingError, match="such as 'q1', have another question or answer"):
        grown(request, items, 2, {QUIZ: ("full", changed)})


def test_items_that_were_being_added_at_a_kill_do_not_count(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, n=2)
    request = quiz.folder.request_file.read_bytes()
    larger = quiz_items(4)
    quiz.folder.create(replace(quiz.request, expected={QUIZ: 4}), larger)
    quiz.folder.request_file.write_bytes(request)
    assert quiz.folder.items() == quiz_items(2)
    assert len(read_session(quiz.path).results) == 2

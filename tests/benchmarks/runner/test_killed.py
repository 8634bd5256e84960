"""A run that is killed, interrupted or out of disk loses nothing, and runs nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from launched import ROOT, environment
from quizzes import QUIZ, counted

from agentflow_graph.record import read
from agentflow_graph.record.reading import events
from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.records import Key, Records
from benchmarks.runner.store.session import read_session

pytestmark = pytest.mark.integration

PROGRAM = Path(__file__).parents[1] / "programs" / "quiz_run.py"
ITEMS = 200


class Quiz:
    """The program on a folder, and the traces that it leaves there."""

    def __init__(self, folder: Path, items: int = ITEMS) -> None:
        self.run, self.calls, self.judged = folder / "run", folder / "calls", folder / "judged"
        self._items = items

    def started(self, *more: str) -> subprocess.Popen[str]:
        words = [self.run, self.calls, self.judged, str(self._items), *more]
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), *map(str, words)],
            env=environment(ROOT / "tests" / "support"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finished(self, *more: str) -> tuple[int, str]:
        process = self.started(*more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def records(self) -> Records:
        return Records.of(events(Folder(self.run).record))

    def answered(self) -> tuple[Counter[str], Counter[str]]:
        """Calls on record that were answered: the planner's by item, the judge's by question."""
        planner, judge = Counter[str](), Counter[str]()
        for name, run in read(Folder(self.run).record).items():
            item = name.split("/")[1].removeprefix("q")
            for key in run.answers:
                if key.node == "planner":
                    planner[item] += 1
                elif key.node == "judge":
                    judge[f"{item}:control" if key.number else item] += 1
        return planner, judge

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def number(key: Key) -> str:
    return key.item.removeprefix("q")


def test_sigkill_amid_two_hundred_items_repeats_and_loses_none(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path)
    process = quiz.started()
    quiz.until(lambda: sum(counted(quiz.calls).values()) >= 60)
    time.sleep(random.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before, called, judged = quiz.records(), counted(quiz.calls), counted(quiz.judged)
    planned, verdicts = quiz.answered()
    assert 20 < len(before.finished) < ITEMS
    assert len(verdicts) > 10 and any(name.endswith(":control") for name in verdicts)

    _, shown = quiz.finished()
    session = read_session(quiz.run)
    assert {number(key) for key in before.finished} <= set(planned)
    for name in planned:
        assert counted(quiz.calls)[name] == called[name], f"{name} was planned again"
    for name in verdicts:
        assert counted(quiz.judged)[name] == judged[name], f"{name} was judged again"
    for key in before.failed:
        assert counted(quiz.calls)[number(key)] == called[number(key)] + 1, f"{key} not retried"
    assert len(session.results) == ITEMS
    lost = [result for result in session.results if result.score is None]
    assert all("the model is away" in result.error for result in lost), shown
    assert lost and accuracy_in_log(quiz.run) == pytest.approx(1 - len(lost) / ITEMS)

    code, shown = quiz.finished()
    assert "0 missing" in shown and code == 0
    assert all(result.score == 1.0 for result in read_session(quiz.run).results)
    assert max(counted(quiz.calls).values()) <= 2
    assert max(counted(quiz.judged).values()) <= 2
    assert max(max(each.values()) for each in quiz.answered()) == 1, "answered twice"
    inspects_log_is_whole(quiz.run)


def accuracy_in_log(run: Path) -> float:
    from inspect_ai.log import read_eval_log

    (path,) = Folder(run).logs.glob("*.eval")
    results = read_eval_log(str(path), header_only=True).results
    assert results
    return results.scores[0].metrics["accuracy"].value


def inspects_log_is_whole(run: Path) -> None:
    from inspect_ai.log import read_eval_log

    (path,) = Folder(run).logs.glob("*.eval")
    log = read_eval_log(str(path))
    assert log.status == "success" and log.eval.task == QUIZ
    assert {sample.id for sample in log.samples or []} == {f"q{n}" for n in range(ITEMS)}
    assert all(sample.error is None for sample in log.samples or [])


def test_ctrl_c_leaves_a_run_that_resumes(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, items=60)
    process = quiz.started()
    quiz.until(lambda: sum(counted(quiz.calls).values()) >= 20)
    process.send_signal(signal.SIGINT)
    shown = "".join(process.communicate(timeout=60))
    assert process.returncode == 130, shown
    assert f"go on with `python -m benchmarks resume {quiz.run}`" in shown
    it_goes_on(quiz)


def it_goes_on(quiz: Quiz) -> None:
    """Twice, since some models are away the first time; what was answered is not asked again."""
    before, called, (planned, _) = quiz.records(), counted(quiz.calls), quiz.answered()
    assert 0 < len(before.finished) < 60
    assert {number(key) for key in before.finished} <= set(planned)
    quiz.finished()
    assert "0 missing" in quiz.finished()[1]
    for name in planned:
        assert counted(quiz.calls)[name] == called[name]
    assert all(result.score == 1.0 for result in read_session(quiz.run).results)


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, items=60)
    code, shown = quiz.finished("60000")  # bytes that a file may have
    assert code == 1 and "cannot be written" in shown and "resume" in shown, shown
    assert f"the record in {quiz.run / 'record'}" in shown and "make room there" in shown
    it_goes_on(quiz)


def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, items=2000)
    process = quiz.started()
    quiz.until(lambda: sum(counted(quiz.calls).values()) >= 5)
    try:
        code, shown = quiz.finished()
        assert code == 2 and "in use by another process" in shown
    finally:
        process.kill()
        process.communicate()

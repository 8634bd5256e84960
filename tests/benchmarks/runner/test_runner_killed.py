"""A run that is killed, interrupted or out of disk loses nothing, and runs nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launched import ROOT, environment
from quizzes import QUIZ, counted

from benchmarks.runner.folder import Folder
from benchmarks.runner.journal import Key, read
from benchmarks.runner.records import Records
from benchmarks.runner.session import read_session

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
        return Records.of(read(Folder(self.run).journal_file))

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
    assert 20 < len(before.finished) < ITEMS
    marked = {key for key, mark in before.scored[0].items() if mark["by"] == "judge"}

    _, shown = quiz.finished()
    session = read_session(quiz.run)
    for key in before.finished:
        assert counted(quiz.calls)[number(key)] == called[number(key)], f"{key} ran again"
    for key in marked:
        assert counted(quiz.judged)[number(key)] == judged[number(key)], f"{key} judged again"
    for key in before.failed:
        assert counted(quiz.calls)[number(key)] == called[number(key)] + 1, f"{key} not retried"
    assert len(session.results) == ITEMS
    lost = [result for result in session.results if result.score is None]
    assert all("the model is away" in result.error for result in lost), shown

    code, shown = quiz.finished()
    assert "0 missing" in shown and code == 0
    assert all(result.score == 1.0 for result in read_session(quiz.run).results)
    assert max(counted(quiz.calls).values()) <= 2
    inspects_log_is_whole(quiz.run)


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
    before, called = quiz.records(), counted(quiz.calls)
    quiz.finished()
    assert "0 missing" in quiz.finished()[1]
    for key in before.finished:
        assert counted(quiz.calls)[number(key)] == called[number(key)]


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    quiz = Quiz(tmp_path, items=60)
    code, shown = quiz.finished("20000")  # bytes that a file may have
    assert code == 1 and "cannot be written" in shown and "resume" in shown, shown
    before, called = quiz.records(), counted(quiz.calls)
    assert 0 < len(before.finished) < 60
    quiz.finished()
    assert "0 missing" in quiz.finished()[1]
    for key in before.finished:
        assert counted(quiz.calls)[number(key)] == called[number(key)]


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

"""Records of a run: what is damaged costs no more than itself, and scorings stand side by side."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from launched import ROOT, environment
from quiz_runs import EACH_ONCE, N, Quiz, copy_of, planned, rewrite
from quizzes import QUIZ, quiz_benchmark

from agentflow_graph.errors import SettingError
from agentflow_graph.record.events import Event, events_in
from agentflow_graph.record.reading import events, files_of
from benchmarks.runner.run import score
from benchmarks.runner.store.folder import Folder
from benchmarks.runner.store.records import LOST, Key, Records

HOLDER = """
import sys
from pathlib import Path
from benchmarks.runner.store.folder import Folder
with Folder(Path(sys.argv[1])).open():
    print("open", flush=True)
    sys.stdin.read()
"""


@settings(deadline=None, max_examples=40)
@given(part=st.floats(0, 1))
def test_a_line_torn_anywhere_costs_that_line_alone(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, part: float
) -> None:
    quiz = copy_of(finished, tmp_path_factory.mktemp("torn"))
    file = quiz.file()
    whole = file.read_bytes()
    kept = whole[: int(part * len(whole))]
    rewrite(file, kept)
    assert len(list(events_in(file))) - kept.count(b"\n") in (0, 1)  # 1: cut before the newline
    before, known = planned(quiz), Records.of(events(quiz.folder.record))
    quiz.calls.write_text("".join(f"{name}\n" for name in before))

    assert asyncio.run(quiz.run()) == ["ok"] * N
    assert quiz.asked() == EACH_ONCE, "an answer on record was asked for again, or one not at all"
    assert planned(quiz) == EACH_ONCE and quiz.scores() == [1.0] * N
    assert file.read_bytes() == kept, "something was appended to a torn line"
    ran = [Key.of(event) for event in new_events(quiz) if event["event"] == "trial"]
    assert set(ran).isdisjoint(known.finished) and len(ran) + len(known.finished) == N


def new_events(quiz: Quiz) -> list[Event]:
    """What the second process wrote; nothing, if it found everything."""
    return quiz.events(1) if len(files_of(quiz.folder.record)) == 2 else []


async def test_a_damaged_line_costs_its_trial_alone(finished: Path, tmp_path: Path) -> None:
    """Each line of the record in turn. Only what that line said is made again."""
    again = {"ended": {"ended", "trial"}, "trial": {"ended", "trial"}, "scored": {"scored"}}
    kinds = set()
    for number, event in enumerate(events_in(files_of(finished / "run" / "record")[0])):
        quiz = copy_of(finished, tmp_path / str(number))
        damage(quiz.file(), number)
        assert event not in quiz.events()
        assert await quiz.run() == ["ok"] * N
        kind = event["event"]
        kinds.add(kind)
        new = new_events(quiz)
        assert {one["run"] for one in new if "run" in one} == (
            {event["run"]} if kind in again else set()
        ), event
        made = {one["event"] for one in new}
        assert again.get(kind, set()) <= made and "asked" not in made, event
        assert ("scored" in made) is (kind == "scored"), event
        assert quiz.asked() == EACH_ONCE and quiz.scores() == [1.0] * N
    assert kinds >= {"opened", "resources", "begun", "asked", "answered", *again}


def damage(file: Path, line: int) -> None:
    """Another letter in the middle of a line."""
    lines = file.read_bytes().splitlines(keepends=True)
    text = bytearray(lines[line])
    text[len(text) // 2] ^= 1
    lines[line] = bytes(text)
    rewrite(file, b"".join(lines))


async def test_a_trial_without_state_and_answers_is_run_anew(
    finished: Path, tmp_path: Path
) -> None:
    """Its state, the planner's answer and the tool's are damaged: it alone is asked again."""
    quiz = copy_of(finished, tmp_path)
    run = f"{QUIZ}/q2/1"
    for number, event in enumerate(quiz.events()):
        if event.get("run") == run and event["event"] in ("ended", "answered"):
            damage(quiz.file(), number)
    key = Key(QUIZ, "q2", 1)
    records = Records.of(events(quiz.folder.record))
    assert key not in records.finished and records.failed[key]["error"] == LOST
    assert await score(quiz.folder, {QUIZ: quiz_benchmark()}) == (1, 0), "it is left out"
    assert await quiz.run() == ["ok"] * N
    assert quiz.asked() == {**EACH_ONCE, "2": 2}


def test_only_one_process_may_write(finished: Path, tmp_path: Path) -> None:
    quiz = copy_of(finished, tmp_path)
    words = [sys.executable, "-c", HOLDER, str(quiz.path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=environment(), cwd=ROOT, **pipes) as holder:
        assert holder.stdout and holder.stdout.readline() == "open\n"
        said = f"{quiz.path} is in use by another process; wait for it or stop it"
        with pytest.raises(SettingError, match=said), quiz.folder.open():
            pass
        assert quiz.scores() == [1.0] * N, "it can be read meanwhile"
        holder.kill()
    with quiz.folder.open(), pytest.raises(SettingError, match="in use"), quiz.folder.open():
        pass
    with quiz.folder.open():
        pass


def trial(error: str = "", cost: float | None = None, n: int = 0) -> list[Event]:
    key = Key(QUIZ, f"q{n}", 1)
    texts = dict.fromkeys(("answer", "analysis", "stopped_by", "error"), "")
    state = {**texts, "turns": [], "outputs": {}, "usage": {}, "seconds": 1.0}
    ended = {"event": "ended", "run": key.run, "state": state}
    more = {"seconds": 1.0, "cost": cost, "error": error}
    return [ended, {"event": "trial", "run": key.run, **key._asdict(), **more}]


def mark(scoring: int, value: float, judge: str = "", n: int = 0) -> Event:
    key = Key(QUIZ, f"q{n}", 1)
    by = {"by": "judge" if judge else "rule", "judge": judge, "value": value, "scoring": scoring}
    read = {"answer": "", "rule": "whole", "f1": None, "reason": ""}
    return {"event": "scored", "run": key.run, **key._asdict(), **by, **read}


def test_scorings_stand_side_by_side() -> None:
    first, second = Key(QUIZ, "q0", 1), Key(QUIZ, "q1", 1)
    later = [mark(1, 1.0, "a"), mark(1, 0.0, n=1), {"event": "scoring", "scoring": 1, "judge": "a"}]
    broken_off = [mark(2, 1.0, "b")]
    records = Records.of([*trial(), *trial(n=1), mark(0, 0.0), mark(0, 0.0, n=1), *later])
    assert [records.scored[0][key]["value"] for key in (first, second)] == [0.0, 0.0]
    assert [records.scored[1][key]["value"] for key in (first, second)] == [1.0, 0.0]
    assert (records.chosen(None), records.chosen(0), records.next_scoring()) == (1, 0, 2)
    assert list(records.verdicts("a")) == [first] and not records.verdicts("b")
    records.add(broken_off[0])
    assert (records.chosen(None), records.next_scoring()) == (1, 3)
    assert list(records.verdicts("b")) == [first], "what it was told is not lost"
    with pytest.raises(SettingError, match=r"there is no scoring 2; known: \[0, 1\]"):
        records.chosen(2)


@pytest.mark.parametrize(
    ("tries", "spent"),
    [
        ([("away", 0.4), ("", 0.6)], 0.6),
        ([("away", 0.4), ("hung", None), ("", 0.6)], 0.6),
        ([("away", None), ("", 0.6)], 0.6),
        ([("away", 0.4), ("away", 0.4)], 0.4),
        ([("", None)], 0.0),
    ],
)
def test_a_trial_that_is_tried_again_pays_for_its_answers_once(
    tries: list[tuple[str, float | None]], spent: float
) -> None:
    records = Records.of(event for error, cost in tries for event in trial(error, cost))
    assert records.spent == pytest.approx(spent)
    judged = {**mark(0, 1.0, "a"), "cost": 0.25}
    other = trial(cost=0.5, n=1)
    records = Records.of([*(e for t in tries for e in trial(*t)), judged, *other])
    assert records.spent == pytest.approx(spent + 0.75)


def test_a_folder_without_a_record_is_an_empty_one(tmp_path: Path) -> None:
    records = Records.of(events(Folder(tmp_path).record))
    assert not records.finished and not records.scored[0] and records.next_scoring() == 1

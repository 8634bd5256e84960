"""What a finished run is worth: by rule and by a function; what cannot be had is unscored."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import ended

from agentflow_graph.errors import SettingError
from agentflow_graph.state import State
from rl.questions.files import every
from rl.reward import Grade, by_rule, reward_of
from rl.reward.grade import fault
from rl.reward.task import Task
from rl.rollout import Trajectory, attempt_until_graded, grade_run
from rl.run.scoring import scoring
from rl.settings.config import RewardSettings, load
from rl.train import prepare

TASK = Task("t1", "What is the population of Old Harbor?", ("4821", "4,800"))


def finished(answer: str, turns: int = 1) -> State:
    return ended(TASK, answer, turns)[0]


async def graded(kind: str, answer: str = "4821", seconds: float = 5.0) -> Trajectory:
    reward = reward_of(RewardSettings(kind=kind, seconds=seconds))
    return await grade_run(TASK, *ended(TASK, answer), 1.0, reward)


@pytest.mark.parametrize(
    ("scorer", "golds", "answer", "value"),
    [
        ("exact", ("4821", "4,800"), "<answer>4800.0</answer>", 1.0),
        ("exact", ("4821",), "about 4821 people", 0.0),
        ("words", ("20 June 1837",), "<answer>June 20, 1837</answer>", 1.0),
        ("maths", ("1/2",), r"so \boxed{1/2}", 1.0),
        ("gaia", ("100",), "<answer>$100</answer>", 1.0),
    ],
)
async def test_a_question_is_graded_by_the_rule_that_it_names(
    scorer: str, golds: tuple[str, ...], answer: str, value: float
) -> None:
    task = Task("t", "question?", golds, scorer=scorer)
    assert await by_rule(task, finished(answer)) == Grade(value, f"rule:{scorer}")


async def test_a_gold_answer_that_nobody_could_meet_leaves_the_run_unscored() -> None:
    task = Task("t", "question?", ("...",))
    run = await grade_run(task, *ended(task, "..."), 1.0)
    assert (run.reward, run.actions) == (None, [])
    assert "rule:exact" in run.failure
    assert "no reply could be right" in run.failure


@pytest.mark.parametrize(("name", "reward"), [("brief", 0.5), ("patient", 0.5), ("strict", 1.0)])
async def test_a_function_of_ones_own_grades(name: str, reward: float) -> None:
    own = reward_of(RewardSettings(kind=f"own_rewards:{name}"))
    run = await grade_run(TASK, *ended(TASK, "4821", turns=2), 1.0, own)
    assert (run.reward, run.failure, len(run.actions)) == (reward, "", 2)
    assert run.grade is not None
    assert run.grade.by == f"function:own_rewards:{name}"
    record = orjson.loads(orjson.dumps(run.outcome_event("train-00001", 0)))
    assert record["grade"]["by"] == f"function:own_rewards:{name}"
    assert record["grade"]["seconds"] >= 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("undecided", "left the run unscored"),
        ("broken", "KeyError: 'no such field'"),
        ("leaving", "SystemExit: 3"),
        ("nan", "returned nan; return a finite number"),
        ("infinite", "returned inf; return a finite number"),
        ("minus", "returned -0.5, outside 0..1"),
        ("two", "returned 2, outside 0..1"),
        ("text", "returned '1.0' (str); return a float"),
    ],
)
async def test_a_function_that_gives_no_reward_leaves_the_run_unscored(name: str, why: str) -> None:
    run = await graded(f"own_rewards:{name}")
    assert (run.reward, run.actions) == (None, [])
    assert run.failure.startswith(f"function:own_rewards:{name}: ")
    assert why in run.failure
    assert not (await graded("own_rewards:brief")).failure, "and the next run goes on"


async def test_a_function_that_takes_too_long_holds_up_nobody() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    heart = asyncio.create_task(beat())
    run = await graded("own_rewards:sleepy", seconds=0.1)
    heart.cancel()
    assert "timeout, no reward within reward.seconds=0.1" in run.failure
    assert beats >= 3, "a plain function must not run on the event loop"


@given(st.floats() | st.integers() | st.text() | st.none() | st.booleans())
def test_a_reward_is_a_number_from_0_to_1_and_nothing_else(value: Any) -> None:
    inside = isinstance(value, int | float) and 0 <= value <= 1
    assert (fault(value) == "") == inside


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no_such_package.rewards:one", "put `PYTHONPATH=FOLDER` before the command"),
        ("own_rewards:brieff", "own_rewards has no 'brieff' (did you mean 'brief'?)"),
        ("own_rewards:", "cannot be imported"),
        (":brief", "cannot be imported"),
        ("own_rewards:not_a_function", "is not callable but a float"),
        ("own_rewards:other_arguments", "cannot be called with (task, state)"),
        ("own_rewards:other_arguments", "write `def other_arguments(task, state)`"),
    ],
)
def test_a_function_that_cannot_be_had_is_refused_at_the_start(kind: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        reward_of(RewardSettings(kind=kind))
    assert f"reward.kind={kind!r}" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("reward.kind=judg", "kind='judg' (did you mean 'judge'?): choose one of rule, judge"),
        ("reward.kind=judge", "kind='judge' needs reward.judge"),
        ("reward.judge=openai:x", "judge='openai:x' is never asked with kind='rule'"),
        ("reward.seconds=0", "reward.seconds=0"),
        ("reward.kinds=rule", "unknown key 'reward.kinds' (did you mean 'kind'?)"),
    ],
)
def test_a_wrong_setting_is_refused(setting: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        load(Path("rl/configs/nano.yaml"), [setting])
    assert said in str(caught.value)


def test_a_judge_that_cannot_be_built_is_refused_at_the_start() -> None:
    with pytest.raises(SettingError, match="none of the forms"):
        reward_of(RewardSettings(kind="judge", judge="some-model"))


def test_an_unknown_rule_in_the_data_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    rows = [{"question": "a?", "answer": "1", "scorer": name} for name in ("maths", "math")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SettingError, match=r"questions.jsonl:2 has scorer='math' \(did you mean"):
        every(path)
    path.write_text(json.dumps(rows[0]))
    assert [task.scorer for task in every(path)] == ["maths"]


async def test_a_run_that_only_its_reward_failed_is_not_run_again() -> None:
    runs: list[Trajectory] = []

    async def run(name: str, made: int) -> Trajectory:
        runs.append(await graded("own_rewards:broken"))
        return runs[-1]

    assert (await attempt_until_graded("train-00001", TASK, 0, run, 3)).failure
    assert len(runs) == 1


def test_who_graded_and_what_that_cost_is_counted() -> None:
    grades = [
        Grade(1.0, "rule:exact"),
        Grade(0.0, "judge", asked=1, tokens=30, seconds=2.0),
        Grade(1.0, "judge", asked=1, tokens=20, seconds=1.0),
        Grade(None, "judge", "judge: timeout", asked=1, seconds=3.0),
    ]
    runs = [Trajectory(TASK, reward=g.value, failure=g.failure, grade=g) for g in grades]
    assert scoring([*runs, Trajectory(TASK, failure="engine gone")]) == {
        "unscored": 1,
        "judged": pytest.approx(2 / 3),
        "judge_tokens": 50,
        "scoring_seconds": 1.5,
    }
    assert scoring([]) == {"unscored": 0, "judged": 0, "judge_tokens": 0, "scoring_seconds": 0}


def test_a_run_with_a_reward_that_cannot_be_had_does_not_start(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = [f"run={run}", "steps=1", "reward.kind=own_rewards:brieff"]
    with pytest.raises(SettingError, match="reward.kind='own_rewards:brieff'"):
        prepare(load(Path("rl/configs/nano.yaml"), settings))
    assert not run.exists(), "nothing is written before everything was checked"

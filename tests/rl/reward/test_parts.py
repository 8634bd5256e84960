"""Rewards of several parts and of single turns: sums, the record, what leaves a run unscored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from own_rewards import returning

from agentflow_graph.errors import SettingError
from agentflow_graph.state import State, Turn
from rl.reward import Grade, reward_of
from rl.reward.task import Task
from rl.rollout import Trajectory
from rl.settings.measures import RewardSettings

TASK = Task("q", "Who is the mayor of Old Harbor?", ("Mira Voss",))
STATE = State(question=TASK.question, answer="Mira Voss", turns=[Turn(index=1), Turn(index=2)])
BRIEF = {"kind": "own_rewards:brief", "weight": 0.25}


def graded(**settings: Any) -> Grade:
    async def grade() -> Grade:
        return await reward_of(RewardSettings(**settings))(TASK, STATE)

    return asyncio.run(grade())


def test_parts_are_summed_by_weight_and_each_is_kept() -> None:
    found = graded(parts={"right": {"weight": 0.75}, "brief": BRIEF})
    assert found.value == 0.75 * 1.0 + 0.25 * 0.5
    assert found.parts == {"right": 1.0, "brief": 0.5}
    assert found.by == "right=rule:exact, brief=function:own_rewards:brief"


def test_a_function_returns_parts_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("own_rewards.strict", returning({"right": 1.0, "cheap": 0.5}))
    assert graded(kind="own_rewards:strict").value == 0.75, "their mean"
    weighed = graded(kind="own_rewards:strict", weights={"right": 0.2, "cheap": 0.8})
    assert weighed.value == pytest.approx(0.6)
    assert weighed.parts == {"right": 1.0, "cheap": 0.5}
    nested = graded(parts={"own": {"kind": "own_rewards:strict", "weight": 1.0}})
    assert nested.parts == {"own": 0.75, "own/right": 1.0, "own/cheap": 0.5}


@pytest.mark.parametrize(
    ("returned", "weights", "why"),
    [
        ({"right": 1.0}, {"right": 0.5, "cheap": 0.5}, "it returned the parts right where"),
        (1.0, {"right": 1.0}, "it returned 1.0 where reward.weights names right"),
        ({"right": 2.0}, {}, "of the part 'right', it returned 2.0, outside 0..1"),
        ({}, {}, "return parts by name, at least one"),
        ({1: 1.0}, {}, "return parts by name"),
    ],
)
def test_parts_that_are_wrong_leave_a_run_unscored(
    returned: Any, weights: dict[str, float], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("own_rewards.strict", returning(returned))
    found = graded(kind="own_rewards:strict", weights=weights)
    assert (found.value, found.fault) == (None, "judge")
    assert why in found.failure


def test_a_part_that_fails_takes_the_run_with_it_unless_it_weighs_nothing() -> None:
    lost = graded(parts={"right": {"weight": 0.5}, "own": {**BRIEF, "kind": "own_rewards:broken"}})
    assert (lost.value, lost.fault) == (None, "judge")
    assert lost.failure.startswith("part own: function:own_rewards:broken: KeyError")
    watched = {"kind": "own_rewards:broken", "weight": 0.0}
    kept = graded(parts={"right": {"weight": 0.5}, "own": watched})
    assert (kept.value, kept.parts) == (0.5, {"right": 1.0, "own": None})


def test_a_part_whose_server_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTFLOW_TEST_DOOR", "/nowhere/at/all")
    away = {"kind": "own_rewards:behind_a_door", "weight": 0.5}
    broken = {"kind": "own_rewards:broken", "weight": 0.5}
    assert graded(parts={"broken": broken, "away": away}).fault == "world"


def test_turns_have_rewards_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("own_rewards.strict", returning([0, -2.5]))
    found = graded(turns="own_rewards:strict")
    assert (found.value, found.turns) == (1.0, (0.0, -2.5))
    assert graded().turns == ()


@pytest.mark.parametrize(
    "returned", [[1.0], [1.0, 0.0, 0.0], "ab", 1.0, None, [1.0, float("nan")], [1.0, "x"]]
)
def test_wrong_rewards_of_turns_leave_a_run_unscored(
    returned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("own_rewards.strict", returning(returned))
    found = graded(turns="own_rewards:strict")
    assert (found.value, found.fault, found.turns) == (None, "judge", ())
    assert found.failure.startswith("turns:own_rewards:strict: it returned ")


def test_a_function_that_is_not_there_is_named_by_its_setting() -> None:
    with pytest.raises(SettingError, match="^reward.turns='no_such:thing' cannot be imported"):
        graded(turns="no_such:thing")
    with pytest.raises(SettingError, match="^reward.parts.own.kind='no_such:thing'"):
        graded(parts={"own": {"kind": "no_such:thing", "weight": 1.0}})


def test_the_record_has_parts_and_turns_where_there_are_any(
    trajectory: Callable[..., Trajectory],
) -> None:
    grade = Grade(0.5, "rule:exact", parts={"right": 0.5}, turns=(1.0, 0.0))
    told = {"reward": 0.5, "failure": "", "grade": grade.record()}
    assert Grade.from_event(told) == grade
    plain = Grade(1.0, "rule:exact")
    assert not {"parts", "turns"} & plain.record().keys(), "a record costs as much as before"
    assert Grade.from_event({"reward": 1.0, "failure": "", "grade": plain.record()}) == plain

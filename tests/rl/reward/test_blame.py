"""Who is to blame for a run that is out of seconds: whoever took them."""

from __future__ import annotations

from typing import Any

import pytest

from agentflow_graph.record import RunRecord
from agentflow_graph.record.events import Key
from agentflow_graph.state import State
from rl.reward.blame import blame

BUDGET = 60.0
STATE: Any = {**State(question="?"), "turns": [], "stopped_by": "seconds", "error": ""}

Spent = dict[str, list[float]]


def run_of(models: Spent, tools: Spent, lost: Spent) -> RunRecord:
    """A run that waited so long for each, a call a turn."""
    run = RunRecord("r")
    for kind, spent in (("finish_reason", models), ("status", tools)):
        for node, seconds in spent.items():
            run.calls += [(key(node, n), {kind: "ok", "seconds": s}) for n, s in enumerate(seconds)]
    run.lost += [(key(node, 9), s) for node, seconds in lost.items() for s in seconds]
    return run


def key(node: str, turn: int) -> Key:
    return Key(node, turn, 0, "0" * 16)


@pytest.mark.parametrize(
    ("models", "tools", "lost", "reason"),
    [
        # A starved engine: no turn takes half of the time, and the run has nothing left for a tool.
        ({"planner": [20, 20, 20]}, {"python_coder": [0.0]}, {}, "60 s were spent waiting"),
        ({"planner": [1.0], "executor": [1.0]}, {}, {"verifier": [58]}, "60 s were spent waiting"),
        ({"planner": [9.0]}, {"look_up": [20]}, {}, "31 s for a turn on this machine"),
        ({"base_generator.model": [40]}, {"base_generator": [41]}, {}, "40 s were spent waiting"),
        ({}, {"base_generator": [41]}, {"base_generator.model": [40]}, "40 s were spent waiting"),
    ],
)
def test_what_waited_for_others_is_the_worlds(
    models: Spent, tools: Spent, lost: Spent, reason: str
) -> None:
    fault, failure = blame(STATE, run_of(models, tools, lost), BUDGET)
    assert fault == "world"
    assert reason in failure


@pytest.mark.parametrize(
    ("models", "tools"),
    [
        ({"planner": [1, 1]}, {"python_coder": [29, 29]}),
        ({"planner": [25]}, {"python_coder": [35]}),
        ({"planner": [1], "base_generator.model": [9]}, {"base_generator": [10], "sleep": [40]}),
    ],
)
def test_what_its_tools_took_is_the_policys(models: Spent, tools: Spent) -> None:
    assert blame(STATE, run_of(models, tools, {}), BUDGET) == ("policy", "")

"""Reward functions as a user would write them, right and wrong, named by import path in tests."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from agentflow_graph.state import State
from rl.reward.task import Task


def brief(task: Task, state: State) -> float:
    """Right and short."""
    return float(state["answer"] in task.answers) / len(state["turns"])


def contrary(task: Task, state: State) -> float:
    """Wrong."""
    return float(state["answer"] not in task.answers)


_graded = count()


def alternating(task: Task, state: State) -> float:
    """Right or wrong in turn, whatever was answered: every group has spread."""
    return float(next(_graded) % 2)


async def patient(task: Task, state: State) -> float:
    await asyncio.sleep(0.01)
    return brief(task, state)


class Strict:
    """An object that can be called, in either way."""

    async def __call__(self, task: Task, state: State) -> bool:
        return state["answer"] in task.answers


strict = Strict()


def undecided(task: Task, state: State) -> None:
    return None


def broken(task: Task, state: State) -> float:
    raise KeyError("no such field")


def leaving(task: Task, state: State) -> float:
    sys.exit(3)


def sleepy(task: Task, state: State) -> float:
    time.sleep(0.5)
    return 1.0


def returning(value: Any) -> Any:
    return lambda task, state: value


nan, infinite = returning(float("nan")), returning(float("inf"))
minus, two, text = returning(-0.5), returning(2), returning("1.0")
not_a_function = 1.0


def other_arguments(answer: str) -> float:
    return 1.0


def behind_a_door(task: Task, state: State) -> float:
    """Asks a judge that is away until the file that AGENTFLOW_TEST_DOOR names is there."""
    if not Path(os.environ["AGENTFLOW_TEST_DOOR"]).exists():
        raise ConnectionError("nobody opens")
    return float(state["answer"] in task.answers)

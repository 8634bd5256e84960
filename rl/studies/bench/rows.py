"""Rollouts for benchmarks: random tokens in the sizes that a nano run has."""

from __future__ import annotations

import random

from rl.reward.task import Task
from rl.rollout import Action, Trajectory


def rollouts(rows: int, group: int, seed: int, vocabulary: int = 1000) -> list[Trajectory]:
    """Trajectories of 1 to 3 turns, `rows` turns in all, in groups that have spread.

    A prompt has 40 tokens and 30 to 60 more with each turn, a reply 12 to 32: what the planner that
    ships reads and writes in the almanac.
    """
    rng = random.Random(seed)

    def ids(n: int) -> list[int]:
        return [rng.randrange(3, vocabulary) for _ in range(n)]

    made: list[Trajectory] = []
    left = rows
    while left:
        turns = min(left, rng.choice((1, 2, 2, 3)))
        left -= turns
        name, place = divmod(len(made), group)
        actions, length = [], 40
        for _ in range(turns):
            size = rng.randrange(12, 33)
            actions.append(Action(ids(length), ids(size), [-1.0] * size, 0, "stop"))
            length += rng.randrange(30, 61)
        task = Task(f"q{name}", f"question {name}?", ("gold",))
        made.append(Trajectory(task, actions, float(place % 2)))
    return made


def tokens(trajectories: list[Trajectory]) -> int:
    """Tokens of prompts and replies in all turn rows, padding not counted."""
    return sum(len(a.prompt_ids) + len(a.token_ids) for t in trajectories for a in t.actions)

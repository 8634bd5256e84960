"""Rollouts for benchmarks: rows in the sizes and with the common beginnings that real runs have."""

from __future__ import annotations

import random
from collections.abc import Callable

from agentflow_graph.context import Context
from agentflow_graph.nodes.parts.toolset import load_tools
from agentflow_graph.prompts import memory, texts
from agentflow_graph.state import ToolCall, Turn
from rl.reward.task import Task
from rl.rollout import Action, Trajectory
from tools.catalog.catalog import card

Encode = Callable[[str], list[int]]


def terse(rows: int, group: int, seed: int, vocabulary: int = 1000) -> list[Trajectory]:
    """Trajectories of 1 to 3 turns, `rows` turns in all, in groups that have spread.

    What the planner that ships reads and writes in the almanac: a prompt is 10 tokens for all, 30
    of the question, and 30 to 60 more with each turn; a reply has 12 to 32.
    """
    rng = random.Random(seed)

    def ids(n: int) -> list[int]:
        return [rng.randrange(3, vocabulary) for _ in range(n)]

    made: list[Trajectory] = []
    tools, question, left = ids(10), ids(30), rows
    while left:
        turns = min(left, rng.choice((1, 2, 2, 3)))
        left -= turns
        name, place = divmod(len(made), group)
        if not place:
            question = ids(30)
        prompt, actions = tools + question, []
        for _ in range(turns):
            actions.append(_action(prompt, ids(rng.randrange(12, 33))))
            prompt = prompt + ids(rng.randrange(30, 61))
        made.append(_trajectory(name, place, actions))
    return made


def static_first(
    turns: int, questions: int, group: int, seed: int, encode: Encode
) -> list[Trajectory]:
    """Trajectories of `turns` turns with the default layout's own rules and tool cards.

    Questions, results and replies are of random words: 20, 60 and 40 of them.
    """
    rng = random.Random(seed)
    told_of = cards()
    made = []
    for name in range(questions):
        question = words(rng, 20)
        for place in range(group):
            told: list[Turn] = []
            actions = []
            for number in range(turns):
                read = texts.planner(
                    "static_first",
                    question,
                    "",
                    told_of,
                    memory.render(told, 10**6),
                    turns - number,
                )
                prompt = encode("\n".join(message.text for message in read))
                actions.append(_action(prompt, encode(words(rng, 40))))
                told.append(_turn(rng, number + 1))
            made.append(_trajectory(name, place, actions))
    return made


def cards() -> dict[str, str]:
    """The cards of the default tools, by name."""
    return {tool.name: card(tool) for tool in load_tools(Context(), 3)}


def words(rng: random.Random, count: int) -> str:
    """So many made-up words."""
    return " ".join("".join(rng.choices("abcdefghij", k=rng.randrange(2, 6))) for _ in range(count))


def tokens(trajectories: list[Trajectory]) -> int:
    """Tokens of prompts and replies in all turn rows, padding not counted."""
    return sum(len(a.prompt_ids) + len(a.token_ids) for t in trajectories for a in t.actions)


def _turn(rng: random.Random, index: int) -> Turn:
    call = ToolCall(
        tool="wikipedia_search",
        arguments={"query": words(rng, 3)},
        status="ok",
        result=words(rng, 60),
        seconds=0.1,
    )
    verdict = {"complete": False, "reason": "the steps do not say it yet"}
    return Turn(index=index, sub_goal=words(rng, 8), calls=[call], verdict=verdict)  # type: ignore[typeddict-item]


def _action(prompt: list[int], reply: list[int]) -> Action:
    return Action(prompt, reply, [-1.0] * len(reply), 0, "stop")


def _trajectory(name: int, place: int, actions: list[Action]) -> Trajectory:
    task = Task(f"q{name}", f"question {name}?", ("gold",))
    return Trajectory(task, actions, float(place % 2))

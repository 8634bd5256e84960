"""The hard world as files, and what proves it: shortcuts that do not pay, an oracle always right.

python -m benchmarks.almanac.hard export --out DIR [--questions 1050] [--train 2000] [--seed 0]
python -m benchmarks.almanac.hard shortcuts [--questions 1050] [--seed 0]
python -m benchmarks.almanac.hard oracle [--questions 1050] [--passages 1]

The oracle plays in the real graph, with the shipped articles and python_coder. Exit code 1: a
shortcut passes 15 % of a level, or the oracle fails a question or makes another number of calls.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import build_graph
from agentflow_graph.state import State
from benchmarks.almanac.hard import SETTINGS
from benchmarks.almanac.hard.oracle import plan
from benchmarks.almanac.hard.questions import HardQuestion, questions
from benchmarks.almanac.hard.shortcuts import MOST, shortcuts
from benchmarks.almanac.hard.world import HardWorld
from benchmarks.almanac.jsonl import write_world
from benchmarks.almanac.scripted import ScriptedPlanner
from tools.wiki.corpus import default_corpus

AT_ONCE = 16
"""Runs of the oracle at once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.almanac.hard", description=__doc__)
    parser.add_argument("what", choices=("export", "shortcuts", "oracle"))
    parser.add_argument("--questions", type=int, default=1050, help="held-out ones")
    parser.add_argument("--train", type=int, default=2000, help="training questions, of export")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the draw; also the world's, of export"
    )
    parser.add_argument("--out", type=Path, help="folder of export")
    parser.add_argument("--passages", type=int, default=1, help="that a search shows the oracle")
    chosen = parser.parse_args(arguments)
    if chosen.what == "export" and chosen.out is None:
        parser.error("export needs --out DIR")
    try:
        return _VERBS[chosen.what](chosen)
    except ValueError as error:  # more questions than there are
        parser.error(str(error))


def _export(chosen: argparse.Namespace) -> int:
    world, seed = HardWorld(chosen.seed), chosen.seed
    train = questions(world, "train", chosen.train, seed)
    heldout = questions(world, "heldout", chosen.questions, seed)
    print(*write_world(chosen.out, world.documents(), train, heldout), sep="\n")
    return 0


def _shortcuts(chosen: argparse.Namespace) -> int:
    articles = default_corpus(SETTINGS["corpus"])
    figures = asyncio.run(shortcuts(HardWorld(), articles, chosen.questions, chosen.seed))
    print("level  questions  constant  question alone  one search")
    for level, each in figures.items():
        shares = (each.constant, each.question_alone, each.one_search)
        cells = "  ".join(f"{100 * share:8.1f} %" for share in shares)
        print(f"{level:<5}  {each.questions:9}  {cells}")
    return int(any(each.most > MOST for each in figures.values()))


def _oracle(chosen: argparse.Namespace) -> int:
    asked = questions(HardWorld(), "heldout", chosen.questions, chosen.seed)
    results = asyncio.run(played(asked, chosen.passages))
    right = Counter(q.level for q, state in zip(asked, results, strict=True) if good(q, state))
    whole = Counter(q.level for q in asked)
    for level, many in whole.items():
        print(f"{level:<4} {right[level]} of {many}")
    return int(right != whole)


_VERBS = {"export": _export, "shortcuts": _shortcuts, "oracle": _oracle}


async def played(asked: Sequence[HardQuestion], passages: int = 1) -> list[State]:
    """The finished states of the oracle's runs through the real graph and tools."""
    graph = build_graph({"planner": ScriptedPlanner(decide=plan)})
    most = max((question.calls for question in asked), default=1)
    settings: dict[str, Any] = {"max_turns": most, "passages": passages, "layout": "terse"}
    context = Context(**SETTINGS, **settings)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(question: HardQuestion) -> State:
        async with slots:
            limit = RunnableConfig(recursion_limit=context.recursion_limit)
            given = State(question=question.text)
            return cast(State, await graph.ainvoke(given, limit, context=context))

    return list(await asyncio.gather(*map(one, asked)))


def good(question: HardQuestion, state: State) -> bool:
    """Whether a run came to the gold answer in exactly the oracle's calls."""
    calls = sum(len(turn["calls"]) for turn in state["turns"])
    return state["answer"] == question.answer and calls == question.calls


if __name__ == "__main__":
    sys.exit(main())

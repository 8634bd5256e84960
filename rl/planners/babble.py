"""Transcripts for the warm start: the graph run with a planner that babbles.

Right format, any context in sight, any tool; the world's `babble` decides. Each
decision depends on the seed and on what the planner sees alone, so the transcripts are the same in
whatever order the runs finish and on however many processes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from agentflow_graph.context import Context
from agentflow_graph.graph import build_graph
from benchmarks.almanac.oracle import Plan
from benchmarks.almanac.scripted import ScriptedPlanner
from benchmarks.worlds import ALMANAC, WORLDS, Babble

CHUNK = 250
"""Questions that one process takes at a time."""


@dataclass(frozen=True, order=True)
class Transcript:
    """One planner turn as text; `system` is empty in layouts without rules."""

    prompt: str
    reply: str
    system: str = ""


def transcripts(
    questions: Sequence[str],
    seed: int,
    settings: Mapping[str, Any],
    processes: int,
    world: str = ALMANAC.name,
) -> list[Transcript]:
    """All babbled turns of one run per question, sorted.

    Args:
        questions: of the world.
        seed: of the babbling.
        settings: of the graph, such as layout, max_turns and passages.
        processes: that share the work; 1: this one.
        world: that the questions are about.
    """
    work = partial(_babbled, seed=seed, settings=settings, world=world)
    chunks = [list(questions[i : i + CHUNK]) for i in range(0, len(questions), CHUNK)]
    if processes == 1:
        return sorted(turn for chunk in chunks for turn in work(chunk))
    # spawn: a forked child would inherit the event loops and threads of its parent.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return sorted(turn for turns in pool.map(work, chunks) for turn in turns)


def _babbled(
    questions: list[str], seed: int, settings: Mapping[str, Any], world: str
) -> list[Transcript]:
    heard: list[Transcript] = []
    context = Context(**{"repairs": 0, **settings})
    planner = _Listening(
        decide=partial(_decide, WORLDS[world].babble, seed),
        justified=context.layout != "terse",
        hear=heard.append,
    )
    graph = build_graph({"planner": planner})

    async def run() -> None:
        runs = (graph.ainvoke({"question": q}, context=context) for q in questions)
        await asyncio.gather(*runs)

    asyncio.run(run())
    return heard


def _decide(babble: Babble, seed: int, question: str, results: Sequence[str]) -> Plan:
    return babble(random.Random(f"{seed}\n{question}\n{results}"), question, results)


class _Listening(ScriptedPlanner):
    """Passes on what it was given and what it said."""

    hear: Callable[[Transcript], None]

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        result = self._generate(messages, *args, **kwargs)
        *rules, asked = messages
        said = str(result.generations[0].message.content)
        self.hear(Transcript(asked.text, said, rules[0].text if rules else ""))
        return result

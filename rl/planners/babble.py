"""Transcripts for the warm start: the graph run with a planner that babbles.

Right format, any context in sight, any tool; `benchmarks.almanac.oracle.babble` decides. Each
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
from benchmarks.almanac.oracle import Plan, babble, plan
from benchmarks.almanac.scripted import ScriptedPlanner, seen

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
    led: int = 0,
) -> list[Transcript]:
    """All babbled turns of one run per question, sorted.

    Args:
        questions: of the almanac.
        seed: of the babbling.
        settings: of the graph, such as layout, max_turns and passages.
        processes: that share the work; 1: this one.
        led: the oracle takes the first steps of a run, from none up to so many; its turns are left
            out. So results that only right steps find are in sight, and nobody is shown the steps.
    """
    work = partial(_babbled, seed=seed, settings=settings, led=led)
    chunks = [list(questions[i : i + CHUNK]) for i in range(0, len(questions), CHUNK)]
    if processes == 1:
        return sorted(turn for chunk in chunks for turn in work(chunk))
    # spawn: a forked child would inherit the event loops and threads of its parent.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return sorted(turn for turns in pool.map(work, chunks) for turn in turns)


def _babbled(
    questions: list[str], seed: int, settings: Mapping[str, Any], led: int
) -> list[Transcript]:
    heard: list[Transcript] = []
    context = Context(**{"repairs": 0, **settings})
    planner = _Listening(
        decide=partial(_decide, seed, led),
        justified=context.layout != "terse",
        hear=heard.append,
        babbles=partial(_babbles, seed, led),
    )
    graph = build_graph({"planner": planner})

    async def run() -> None:
        runs = (graph.ainvoke({"question": q}, context=context) for q in questions)
        await asyncio.gather(*runs)

    asyncio.run(run())
    return heard


def _babbles(seed: int, led: int, question: str, results: Sequence[str]) -> bool:
    """Whether the oracle has taken its steps."""
    return len(results) >= random.Random(f"{seed}\n{question}").randint(0, led)


def _decide(seed: int, led: int, question: str, results: Sequence[str]) -> Plan:
    if not _babbles(seed, led, question, results):
        return plan(question, results)
    return babble(random.Random(f"{seed}\n{question}\n{results}"), question, results)


class _Listening(ScriptedPlanner):
    """Passes on what it was given and what it said, where it babbled."""

    hear: Callable[[Transcript], None]
    babbles: Callable[[str, Sequence[str]], bool]

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        result = self._generate(messages, *args, **kwargs)
        *rules, asked = messages
        said = str(result.generations[0].message.content)
        if self.babbles(*seen(asked.text)):
            self.hear(Transcript(asked.text, said, rules[0].text if rules else ""))
        return result

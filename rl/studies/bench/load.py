"""The load of one training step at 7B, and how fast no way of asking can be.

Each run asks the planner's engines and the servers of the frozen modules: 32 questions of 8 runs of
3 turns, whose memory is full at the end (`rl/configs/qwen2.5-7b.yaml`). Replies and tools are
heavy-tailed: some take ten times as long as most.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rl.studies.bench.served import Cache, Prompt, Speed

MEDIAN, TAIL, LONGEST = 200, 1.6, 2048
"""Tokens of a planner's reply; the exponent of the tail (Pareto); the longest."""
TOOL, SLOWEST = 1.0, 60.0
"""Seconds of a tool, in the middle and at most."""
TOLD = 4096
"""Tokens that a turn adds to the memory."""


@dataclass(frozen=True)
class Ask:
    """One call of a model."""

    prompt: Prompt
    reply: int
    planner: bool = False


@dataclass(frozen=True)
class Run:
    """Of a question: asks one after the other, and seconds of tools between them."""

    question: int
    steps: tuple[Ask | float, ...]


def runs(questions: int, group: int, turns: int, seed: int = 0) -> list[Run]:
    """The runs of a step, those of a question together; `seed` also tells its questions apart."""
    rng = random.Random(seed)
    names = [seed * questions + number for number in range(questions)]
    return [
        Run(name, tuple(_steps(f"q{name}", f"q{name} run{number}", turns, rng)))
        for name in names
        for number in range(group)
    ]


def _steps(question: str, run: str, turns: int, rng: random.Random) -> Iterator[Ask | float]:
    asked = (question, 150)
    memory: list[tuple[str, int]] = []
    yield Ask([("rules of analysis", 300), asked], _tokens(rng, 150))
    told = (f"{question} analysis", 150)
    for turn in range(turns):
        plan = (f"{run} plan {turn}", 200)
        yield Ask([("rules and cards", 1500), asked, told, *memory], _tokens(rng, MEDIAN), True)
        yield Ask([("rules of execution", 600), asked, plan], _tokens(rng, 80))
        yield min(SLOWEST, TOOL * rng.paretovariate(TAIL) / 2)
        memory.append((f"{run} turn {turn}", TOLD))
        yield Ask([("rules of verification", 500), asked, told, *memory], _tokens(rng, 120))
    yield Ask([("rules of the answer", 400), asked, *memory], _tokens(rng, 200))


def _tokens(rng: random.Random, median: float) -> int:
    """Half of all are below the median."""
    scale = median / 2 ** (1 / TAIL)
    return int(min(LONGEST, scale * rng.paretovariate(TAIL)))


def work(
    step: Sequence[Run], speed: Speed, engines: float, servers: float
) -> tuple[float, float, dict[int, float]]:
    """What a step takes however it is asked.

    Every shared beginning is computed once in all, and every run waits for a reply at all times, so
    that replies grow side by side: a step of a server costs nearly the same for one as for many.

    Args:
        step: its runs.
        speed: of each engine and server.
        engines: of the planner.
        servers: of the frozen modules.

    Returns:
        Seconds of work of the engines, of the servers, and by question of its longest run alone.
    """
    spent = {True: 0.0, False: 0.0}
    known = {True: Cache(float("inf")), False: Cache(float("inf"))}
    chains: dict[int, float] = {}
    for run in step:
        own, chain = Cache(float("inf")), 0.0
        for one in run.steps:
            if isinstance(one, float):
                chain += one
                continue
            beside = len(step) / (engines if one.planner else servers)
            new = known[one.planner].missing(one.prompt)
            spent[one.planner] += speed.work(new, one.reply, beside)
            chain += speed.alone(own.missing(one.prompt), one.reply)
        chains[run.question] = max(chain, chains.get(run.question, 0.0))
    return spent[True], spent[False], chains

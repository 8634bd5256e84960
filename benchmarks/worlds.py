"""The worlds by name, for whoever runs or trains in any of them.

world = known("almanac-hard")
world.questions("train", 100, seed=7, levels=["H1", "H4"])
world.settings                      # of the graph: its articles, and how an answer is given
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from benchmarks.almanac import oracle
from benchmarks.almanac import questions as easy
from benchmarks.almanac.hard import SETTINGS
from benchmarks.almanac.hard import oracle as hard_oracle
from benchmarks.almanac.hard import questions as hard
from benchmarks.almanac.hard.templates import LEVELS as HARD_LEVELS
from benchmarks.almanac.hard.world import HardWorld
from benchmarks.almanac.jsonl import Asked
from benchmarks.almanac.oracle import Plan
from benchmarks.almanac.questions import LEVELS
from benchmarks.almanac.world import Split, World

Babble = Callable[[random.Random, str, Sequence[str]], Plan]


@dataclass(frozen=True)
class Known:
    """One of the worlds: seed 0 of it ships its articles under its name."""

    name: str
    levels: tuple[str, ...]
    ask: Callable[[int, Split, int, int, Sequence[str]], Sequence[Asked]]
    """Questions: seed of the world, split, how many, seed of the draw, levels (none: all)."""
    plan: Callable[[str, Sequence[str]], Plan]
    """The oracle's next step, from the question and the results so far."""
    babble: Babble
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the graph, where nobody says otherwise."""
    needs: frozenset[str] = frozenset({"python_coder", "wikipedia_search"})
    """Tools without which its questions cannot be answered."""

    def questions(
        self, split: Split, n: int, seed: int, levels: Sequence[str] = (), world: int = 0
    ) -> list[Asked]:
        """`n` questions about the world of the seed `world`.

        Raises:
            ValueError: the split has no such level, or fewer questions.
        """
        return list(self.ask(world, split, n, seed, levels))


def _easy(world: int, split: Split, n: int, seed: int, levels: Sequence[str]) -> Sequence[Asked]:
    wrong = [level for level in levels if level not in LEVELS]
    if wrong:
        raise ValueError(f"levels={tuple(levels)!r}: the almanac has {', '.join(LEVELS)}")
    chosen = [LEVELS[LEVELS.index(name)] for name in levels] or LEVELS
    return easy(World(world), split, n, seed, chosen)


def _hard(world: int, split: Split, n: int, seed: int, levels: Sequence[str]) -> Sequence[Asked]:
    return hard(HardWorld(world), split, n, seed, levels)


ALMANAC = Known(
    name="almanac",
    levels=LEVELS,
    ask=_easy,
    plan=oracle.plan,
    babble=oracle.babble,
)
HARD = Known(
    name="almanac-hard",
    levels=HARD_LEVELS,
    ask=_hard,
    plan=hard_oracle.plan,
    babble=hard_oracle.babble,
    settings=SETTINGS,
)
WORLDS = {each.name: each for each in (ALMANAC, HARD)}


def known(name: str) -> Known:
    """The world of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in WORLDS:
        near = get_close_matches(name, WORLDS, n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"there is no world {name!r}{guess}; there are {', '.join(WORLDS)}")
    return WORLDS[name]

"""The questions of the hard world, with their gold answers and what they take.

    asked = questions(HardWorld(), "heldout", n=100, seed=0)
    asked[0].hops, asked[0].calls      # pages on the way; tool calls that the oracle makes

A question is drawn as template, wording and what stands in its slots, until it is new and its level
holds: H8 and H9 pass through exactly their hazard, all others through none, and of seven questions
of H7 the last has no answer while those of other levels always have one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from benchmarks.almanac.hard.compositions import ALL
from benchmarks.almanac.hard.island import Island
from benchmarks.almanac.hard.missing import Missing
from benchmarks.almanac.hard.pages import Census, Person
from benchmarks.almanac.hard.programs import UNKNOWN, Facts, T, answer
from benchmarks.almanac.hard.templates import HELD_OUT, LEVELS, Level, Template
from benchmarks.almanac.hard.world import HardWorld
from benchmarks.almanac.world import SPLITS, Split

UNANSWERABLE_IN = 7
"""Of so many questions of H7 one has no answer: a constant `unknown` stays below 15 %."""
HOPS = 4
"""Pages on the way of H1 and of H2."""
TRIES = 2_000
"""Draws until a level counts as exhausted; a training list then begins to repeat itself."""


@dataclass(frozen=True)
class HardQuestion:
    """One question: `answer` is the gold."""

    id: str
    level: Level
    text: str
    answer: str
    hops: tuple[str, ...]
    """What finds the pages on the way, in order, each once."""
    calls: int
    """Tool calls that the oracle makes: a page each, one that fails in H9, and the answer."""
    split: Split


def questions(
    world: HardWorld,
    split: Split,
    n: int,
    seed: int,
    levels: Sequence[str] = (),
) -> list[HardQuestion]:
    """`n` questions of one split, all different; the same arguments always give the same list.

    Every round holds each level once, in an order of its own. A training list that is longer than
    the world has questions of a level repeats some, under new ids.

    Args:
        world: what they are about.
        split: whose people and places they name and pass through.
        n: how many.
        seed: of the draw.
        levels: to draw from; none: all that the split has. H10 is held out.

    Raises:
        ValueError: unknown split or level, a level that training does not have, negative `n`, or
            more held-out questions than there are.
    """
    chosen = _chosen(split, n, levels)
    return _Draw(world, split, seed).of(n, chosen)


class _Draw:
    """One list of questions."""

    def __init__(self, world: HardWorld, split: Split, seed: int) -> None:
        self._world, self._split = world, split
        self._name = f"almanac-hard-{world.seed}-{split}-{seed}"
        self._rng = random.Random(self._name)
        self._seen: set[str] = set()
        self._made: Counter[Level] = Counter()

    def of(self, n: int, levels: Sequence[Level]) -> list[HardQuestion]:
        """`n` questions."""
        return [self._next(level, i) for i, level in enumerate(islice(self._rounds(levels), n))]

    def _rounds(self, levels: Sequence[Level]) -> Iterator[Level]:
        while True:
            yield from self._rng.sample(levels, len(levels))

    def _next(self, level: Level, number: int) -> HardQuestion:
        for _ in range(TRIES):
            found = self._drawn(level, number)
            if found and found.text not in self._seen:
                break
        else:
            self._exhausted(level)
            return self._next(level, number)
        self._seen.add(found.text)
        self._made[level] += 1
        return found

    def _exhausted(self, level: Level) -> None:
        if self._split == "heldout":
            raise ValueError(
                f"the world has {self._made[level]} held-out questions of {level}: ask for fewer"
            )
        self._seen.clear()

    def _drawn(self, level: Level, number: int) -> HardQuestion | None:
        """A question, or None where what was drawn is none of this level."""
        template = self._rng.choice([each for each in ALL if level in each.levels])
        text, slots = _filled(self._rng, template, self._world.island(self._split))
        trace = Trace(self._world)
        try:
            gold = str(answer(template.program(slots), trace).value)
        except Missing:  # no census in that year
            return None
        unanswerable = level == "H7" and (self._made[level] + 1) % UNANSWERABLE_IN == 0
        if (gold == UNKNOWN) != unanswerable or not _fits(level, trace.queries, self._world):
            return None
        if level in ("H1", "H2") and len(trace.queries) < HOPS:  # it came by one place twice
            return None
        calls = len(trace.queries) + (level == "H9") + 1
        name = f"{self._name}-{level}-{number:05d}"
        return HardQuestion(name, level, text, gold, tuple(trace.queries), calls, self._split)


def _filled(rng: random.Random, template: Template, island: Island) -> tuple[str, dict[str, str]]:
    """A question's text, and what its slots hold."""
    one, other = rng.sample(island.people, 2)
    namesake = rng.choice(island.homonyms)
    census = rng.choice([page for page in island.past if isinstance(page, Census)])
    slots = {
        "x": one.name,
        "y": other.name,
        "h": namesake.name,
        "t": namesake.trade,
        "l": rng.choice(island.leagues).name,
        "year": str(census.year),
        "n": str(rng.randrange(2, 10)),
    }
    return rng.choice(template.wordings).format(**slots), slots


def _fits(level: Level, queries: Sequence[str], world: HardWorld) -> bool:
    orders = any(query in world.orders for query in queries)
    fails = any(query in world.failing for query in queries)
    return (orders, fails) == (level == "H8", level == "H9")


class Trace(Facts):
    """The world's facts, and what would have found each that was asked for, in order."""

    def __init__(self, world: HardWorld) -> None:
        self._world = world
        self.queries: list[str] = []

    def person(self, name: str, trade: str = "") -> Person:
        """Somebody; by trade too where several have the name."""
        self._note(f"{name} {trade}".strip())
        return self._world.person(name, trade)

    def page(self, title: str, kind: type[T]) -> T:
        """A page of that kind by its title."""
        self._note(title)
        return self._world.page(title, kind)

    def _note(self, query: str) -> None:
        if query not in self.queries:
            self.queries.append(query)


def _chosen(split: str, n: int, levels: Sequence[str]) -> list[Level]:
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: choose one of {', '.join(SPLITS)}")
    if n < 0:
        raise ValueError(f"n={n}: ask for 0 questions or more")
    known = [each for each in LEVELS if split == "heldout" or each not in HELD_OUT]
    wrong = [level for level in levels if level not in known]
    if wrong:
        raise ValueError(
            f"levels={tuple(levels)!r}: the {split} split has {', '.join(known)}"
            + (f"; {', '.join(HELD_OUT)} is held out as a whole" if split == "train" else "")
        )
    return [each for level in levels for each in known if each == level] or known

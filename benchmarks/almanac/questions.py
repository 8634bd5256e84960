"""Questions about the world, in five levels of difficulty, with their gold answers.

    level                 example                                                      tool calls
    arithmetic            What is 4738 * 37?                                                    1
    one_hop               Who is the mayor of Old Harbor?                                       1
    two_hops              Who is the mayor of the town where Olen Hale lives?                   2
    fact_arithmetic       What is the population of Old Harbor - 73?                            2
    two_hops_arithmetic   What is the population of the town where Olen Hale lives + 73?        3

Questions are drawn with replacement from a closed world: 60 held-out people and 60 held-out
towns make 180 different one-hop questions, so a long list repeats some of them.
"""

import operator
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple, get_args

from benchmarks.almanac.world import POPULATIONS, SPLITS, Split, World

Level = Literal["arithmetic", "one_hop", "two_hops", "fact_arithmetic", "two_hops_arithmetic"]
LEVELS: tuple[Level, ...] = get_args(Level)

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
BIG_NUMBERS = POPULATIONS
SMALL_NUMBERS = range(11, 100)


@dataclass(frozen=True)
class Question:
    """One question: `answer` is the gold, `hops` the entities to look up, in order."""

    id: str
    level: Level
    text: str
    answer: str
    hops: tuple[str, ...]
    split: Split


def questions(
    world: World, split: Split, n: int, seed: int, levels: Sequence[Level] = LEVELS
) -> list[Question]:
    """`n` questions of one split; the same arguments always give the same list.

    Every round of `len(levels)` questions holds each level once, in an order of its own, so each
    beginning of the list is balanced too, and a shorter list is the beginning of a longer one.
    A level that stands twice in `levels` gets twice the questions.

    Raises:
        ValueError: unknown split or level, no level, or negative `n`.
    """
    _check(split, n, levels)
    rng = random.Random(f"almanac {world.seed} {split} {seed}")
    return [
        Question(
            f"almanac-{world.seed}-{split}-{seed}-{i:05d}",
            level,
            *_WRITERS[level](world, split, rng),
            split=split,
        )
        for i, level in enumerate(islice(_rounds(rng, levels), n))
    ]


def number_split(big: int, small: int) -> Split:
    """The split that may calculate with this pair of numbers; about one in four is held out.

    A checksum decides: Python's own hash of strings changes from process to process.
    """
    return "heldout" if zlib.crc32(f"{big} {small}".encode()) % 4 == 0 else "train"


class _Draft(NamedTuple):
    text: str
    answer: str
    hops: tuple[str, ...]


def _arithmetic(_: World, split: Split, rng: random.Random) -> _Draft:
    big = rng.choice(BIG_NUMBERS)
    operation, value = _operation(big, split, rng)
    return _Draft(f"What is {big} {operation}?", str(value), ())


def _one_hop(world: World, split: Split, rng: random.Random) -> _Draft:
    person, town = rng.choice(world.people(split)), rng.choice(world.towns(split))
    mayor = _Draft(f"Who is the mayor of {town.name}?", town.mayor, (town.name,))
    population = _Draft(
        f"What is the population of {town.name}?", str(town.population), (town.name,)
    )
    home = _Draft(f"In which town does {person.name} live?", person.home, (person.name,))
    return rng.choice((home, mayor, population))


def _two_hops(world: World, split: Split, rng: random.Random) -> _Draft:
    person = rng.choice(world.people(split))
    home, hops = world.home_of(person), (person.name, person.home)
    place = f"the town where {person.name} lives"
    mayor = _Draft(f"Who is the mayor of {place}?", home.mayor, hops)
    population = _Draft(f"What is the population of {place}?", str(home.population), hops)
    return rng.choice((mayor, population))


def _fact_arithmetic(world: World, split: Split, rng: random.Random) -> _Draft:
    town = rng.choice(world.towns(split))
    operation, value = _operation(town.population, split, rng)
    text = f"What is the population of {town.name} {operation}?"
    return _Draft(text, str(value), (town.name,))


def _two_hops_arithmetic(world: World, split: Split, rng: random.Random) -> _Draft:
    person = rng.choice(world.people(split))
    operation, value = _operation(world.home_of(person).population, split, rng)
    text = f"What is the population of the town where {person.name} lives {operation}?"
    return _Draft(text, str(value), (person.name, person.home))


_WRITERS: dict[Level, Callable[[World, Split, random.Random], _Draft]] = {
    "arithmetic": _arithmetic,
    "one_hop": _one_hop,
    "two_hops": _two_hops,
    "fact_arithmetic": _fact_arithmetic,
    "two_hops_arithmetic": _two_hops_arithmetic,
}


def _operation(big: int, split: Split, rng: random.Random) -> tuple[str, int]:
    """What follows `big` in a question, such as `- 73`, and the value of the whole."""
    symbol = rng.choice(tuple(OPERATORS))
    small = rng.choice([b for b in SMALL_NUMBERS if number_split(big, b) == split])
    return f"{symbol} {small}", OPERATORS[symbol](big, small)


def _rounds(rng: random.Random, levels: Sequence[Level]) -> Iterator[Level]:
    while True:
        yield from rng.sample(levels, len(levels))


def _check(split: str, n: int, levels: Sequence[str]) -> None:
    if split not in SPLITS:
        raise ValueError(f"split={split!r}: choose one of {', '.join(SPLITS)}")
    if n < 0:
        raise ValueError(f"n={n}: ask for 0 questions or more")
    unknown = [level for level in levels if level not in LEVELS]
    if unknown or not levels:
        raise ValueError(f"levels={tuple(levels)!r}: choose some of {', '.join(LEVELS)}")

"""One split of the hard world: its pages, drawn so that what they name is of the same split."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.almanac.hard.pages import Census, County, League, Page, Person, Rumour, Town
from benchmarks.almanac.world import POPULATIONS, TRADES

SHARING = 3
"""People who share one of the shared names."""
YEARS = range(1950, 2020, 10)
"""Of censuses; a town has two."""
UNTOLD = 0.2
"""Share of towns without a founding year, and of people without a teacher."""


@dataclass(frozen=True)
class Names:
    """What the things of one split are called."""

    single: Sequence[str]
    """Names of one person each."""
    shared: Sequence[str]
    """Names of several people each."""
    towns: Sequence[str]
    counties: Sequence[str]
    """Half as many as towns."""
    leagues: Sequence[str]


class Island:
    """The things of one split, by kind.

    Args:
        rng: draws everything.
        names: of the split.
        counts: populations of today, each of which only one town of the world has.
    """

    def __init__(self, rng: random.Random, names: Names, counts: Iterator[int]) -> None:
        self._rng, self._names = rng, names
        self.people = [self._person(name, rng.choice(TRADES)) for name in names.single]
        self.homonyms = [
            self._person(name, trade, shared=True)
            for name in names.shared
            for trade in rng.sample(TRADES, SHARING)
        ]
        self.towns = [self._town(name, next(counts)) for name in names.towns]
        self.counties = self._counties()
        self.leagues = [League(name, self._three()) for name in names.leagues]
        self.past = [page for town in self.towns for page in self._past(town.name)]

    @property
    def pages(self) -> list[Page]:
        """All of them, in the order of the articles."""
        return [
            *self.people,
            *self.homonyms,
            *self.towns,
            *self.counties,
            *self.leagues,
            *self.past,
        ]

    def _person(self, name: str, trade: str, shared: bool = False) -> Person:
        rng = self._rng
        teacher = self._other(name, self._names.single)
        told = None if rng.random() < UNTOLD else teacher
        home, born = rng.choice(self._names.towns), rng.randrange(1930, 2000)
        return Person(name, trade, home, born, told, shared)

    def _town(self, name: str, population: int) -> Town:
        rng = self._rng
        return Town(
            name,
            rng.choice(self._names.single),
            population,
            self._other(name, self._names.towns),
            founded=None if rng.random() < UNTOLD else rng.randrange(1100, 1900),
            hectares=rng.randrange(500, 9000),
            growth=rng.randrange(1, 8),
            miles=rng.randrange(11, 400),
        )

    def _counties(self) -> list[County]:
        mixed = iter(self._rng.sample(self.towns, len(self.towns)))
        told = ((town.name, town.population) for town in mixed)
        return [County(name, (next(told), next(told))) for name in self._names.counties]

    def _three(self) -> tuple[str, ...]:
        return tuple(self._rng.sample(self._names.counties, 3))

    def _past(self, town: str) -> list[Page]:
        """Two censuses, and for the year of each a rumour that says otherwise."""
        rng = self._rng
        counts, mayors = rng.sample(POPULATIONS, 4), rng.sample(self._names.single, 4)
        one, other = rng.sample(YEARS, 2)
        return [
            Census(town, one, counts[0], mayors[0]),
            Rumour(town, one, counts[1], mayors[1]),
            Census(town, other, counts[2], mayors[2]),
            Rumour(town, other, counts[3], mayors[3]),
        ]

    def _other(self, name: str, names: Sequence[str]) -> str:
        return self._rng.choice([one for one in names if one != name])

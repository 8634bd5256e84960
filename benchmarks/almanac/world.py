"""The world: people with a trade and a home town, towns with a mayor and a population.

    world = World(seed=0)
    world.people("heldout")[0]   # Person(name=..., trade=..., home=...)
    world.documents()            # what wikipedia_search looks through

The two splits are two islands. A person of one split lives in a town of the same split, and a
town's mayor is of the same split, so that a question of any number of hops stays on its island.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, ...] = get_args(Split)


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


FIRST_NAMES = words(
    "Mira Olen Tavi Bruno Sela Anton Petra Niko Wanda Felix Ruth Otto Lena Hugo Vera "
    "Emil Clara Ivan Nora Paul Greta Luis Maya Karl Rosa Egon Alma Boris Dina Jonas"
)
LAST_NAMES = words(
    "Voss Keller Marin Dunn Petrov Hale Lindt Osman Ferro Quill Brandt Novak Stone Rowe Adler "
    "Becker Corvin Drake Ellis Frost Garner Holt Ibsen Jarvis Knox Lowell Mercer Nash Orton Pike"
)
TOWN_ADJECTIVES = words(
    "North South East West Upper Lower Old New Great Little "
    "Royal Saint Port Fort Mount Lake River Forest Green Silver"
)
TOWN_NOUNS = words(
    "Harbor Bridge Valley Hill Field Haven Creek Mill Gate Crossing "
    "Meadow Spring Tower Abbey Castle Shore Ridge Grove Market Point"
)
TRADES = words("painter chemist singer writer pilot farmer doctor lawyer")

POPULATIONS = range(1000, 10_000)
MIN_SIZE, MAX_SIZE = 40, 400
"""40: its training part, 30 names, can hold each of the 30 first names; 400: all town names."""


@dataclass(frozen=True)
class Person:
    """Somebody with a trade, living in the town called `home`."""

    name: str
    trade: str
    home: str


@dataclass(frozen=True)
class Town:
    """A town whose mayor is the person called `mayor`; `population` counts its inhabitants."""

    name: str
    mayor: str
    population: int


class World:
    """`size` people and `size` towns, fully determined by `seed`; the last quarter is held out.

    No two towns have the same population, so that a number names one town of one split.

    Raises:
        ValueError: `size` is outside of 40..400.
    """

    def __init__(self, seed: int = 0, size: int = 240) -> None:
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise ValueError(
                f"size={size}: names are made from closed word lists, "
                f"choose {MIN_SIZE} to {MAX_SIZE} people and towns"
            )
        self.seed = seed
        self.size = size
        rng = random.Random(f"almanac {seed}")
        people = islands(draw_names(rng, FIRST_NAMES, LAST_NAMES, size))
        towns = islands(draw_names(rng, TOWN_ADJECTIVES, TOWN_NOUNS, size))
        populations = iter(rng.sample(POPULATIONS, size))
        self._people = {
            split: [Person(name, rng.choice(TRADES), rng.choice(towns[split])) for name in names]
            for split, names in people.items()
        }
        self._towns = {
            split: [Town(name, rng.choice(people[split]), next(populations)) for name in names]
            for split, names in towns.items()
        }
        self._town_by_name = {town.name: town for split in SPLITS for town in self._towns[split]}

    def people(self, split: Split) -> list[Person]:
        """The people of one split, always in the same order."""
        return list(self._people[split])

    def towns(self, split: Split) -> list[Town]:
        """The towns of one split, always in the same order."""
        return list(self._towns[split])

    def home_of(self, person: Person) -> Town:
        """The town where `person` lives; it is of the same split."""
        return self._town_by_name[person.home]

    def documents(self) -> list[dict[str, str]]:
        """One encyclopedia article, `title` and `text`, for each person and then each town."""
        people = [
            {"title": person.name, "text": f"a {person.trade} from the town of {person.home}."}
            for split in SPLITS
            for person in self._people[split]
        ]
        towns = [
            {
                "title": town.name,
                "text": f"a town with mayor {town.mayor} and population {town.population}.",
            }
            for split in SPLITS
            for town in self._towns[split]
        ]
        return people + towns


def draw_names(
    rng: random.Random, firsts: Sequence[str], seconds: Sequence[str], size: int
) -> list[str]:
    """`size` different two-word names; the first few hold every word of both lists once."""
    covering = list(
        zip(rng.sample(firsts, len(firsts)), rng.sample(seconds, len(seconds)), strict=True)
    )
    others = sorted(set(product(firsts, seconds)) - set(covering))
    pairs = covering + rng.sample(others, size - len(covering))
    return [f"{first} {second}" for first, second in pairs]


def islands(names: list[str]) -> dict[Split, list[str]]:
    """The first three quarters are for training. They hold every word, see `MIN_SIZE`."""
    cut = len(names) * 3 // 4
    return {"train": names[:cut], "heldout": names[cut:]}

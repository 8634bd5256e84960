"""What the world's articles say: each kind of thing as an article, and read back from one.

    article(town)                    # ("Old Harbor", "a town with mayor Luis Osman and ...")
    read("Old Harbor: a town ...")   # the same town

Both directions stand beside one another: what the oracle knows, it has read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

NAME = r"[A-Z][a-z]+ [A-Z][a-z]+"


@dataclass(frozen=True)
class Person:
    """Somebody; several people may share a name, then their trades differ."""

    name: str
    trade: str
    home: str
    born: int
    teacher: str | None
    """None: the article does not tell."""
    shared: bool = False
    """Whether others have the name; the trade is then part of the article's title."""


@dataclass(frozen=True)
class Town:
    """A town as it is today."""

    name: str
    mayor: str
    population: int
    twin: str
    founded: int | None
    """Year; None: the article does not tell."""
    hectares: int
    growth: int
    """Per cent a year."""
    miles: int
    """To the capital."""


@dataclass(frozen=True)
class County:
    """Towns with their populations."""

    name: str
    towns: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class League:
    """Counties; their towns stand in the counties' articles alone."""

    name: str
    counties: tuple[str, ...]


@dataclass(frozen=True)
class Census:
    """A town in an earlier year."""

    town: str
    year: int
    population: int
    mayor: str


@dataclass(frozen=True)
class Rumour:
    """What is said about a town in an earlier year, and is not so."""

    town: str
    year: int
    population: int
    mayor: str


Page = Person | Town | County | League | Census | Rumour


def title(page: Page) -> str:
    """The title of its article."""
    match page:
        case Census(town, year):
            return census_title(town, year)
        case Rumour(town, year):
            return f"{town} {year}"
        case Person(name, trade, shared=True):
            return f"{name} ({trade})"
        case _:
            return page.name


def census_title(town: str, year: int) -> str:
    """The title of the article on a census."""
    return f"{town} census {year}"


def article(page: Page) -> tuple[str, str]:
    """Title and text."""
    return title(page), _text(page)


def _text(page: Page) -> str:
    match page:
        case Person(_, trade, home, born, teacher):
            taught = f"; a pupil of {teacher}" if teacher else ""
            return f"a {trade} from the town of {home}, born in {born}{taught}."
        case Town():
            founded = f"founded in {page.founded}, " if page.founded else ""
            return (
                f"a town with mayor {page.mayor} and population {page.population}; twin town of "
                f"{page.twin}; {founded}area {page.hectares} hectares, growing by {page.growth} "
                f"percent a year, {page.miles} miles from the capital."
            )
        case County(_, towns):
            listed = " and ".join(f"{name} (population {count})" for name, count in towns)
            return f"a county with the towns {listed}."
        case League(_, counties):
            return f"a league of the counties {', '.join(counties)}."
        case Census(town, year, population, mayor):
            return f"the census of {year} counted {population} people in {town}, mayor {mayor}."
        case Rumour(town, year, population, mayor):
            said = f"{population} people lived in {town} in {year}, with mayor {mayor}"
            return f"a rumour, unconfirmed: {said}."


def read(result: str) -> Page | None:
    """The page that a line `title: text` shows; None where it shows none, or a rumour."""
    for pattern, made in _READERS:
        if found := pattern.match(result):
            return made(found)
    return None


def _person(found: re.Match[str]) -> Person:
    name, shared, trade, home, born, teacher = found.groups()
    return Person(name, trade, home, int(born), teacher, bool(shared))


def _town(found: re.Match[str]) -> Town:
    name, mayor, population, twin, founded, *numbers = found.groups()
    year = int(founded) if founded else None
    hectares, growth, miles = map(int, numbers)
    return Town(name, mayor, int(population), twin, year, hectares, growth, miles)


def _county(found: re.Match[str]) -> County:
    towns = re.findall(rf"({NAME}) \(population (\d+)\)", found[2])
    return County(found[1], tuple((name, int(count)) for name, count in towns))


def _league(found: re.Match[str]) -> League:
    return League(found[1], tuple(re.findall(NAME, found[2])))


def _census(found: re.Match[str]) -> Census:
    town, year, population, mayor = found.groups()
    return Census(town, int(year), int(population), mayor)


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Page]], ...] = tuple(
    (re.compile(pattern), made)
    for pattern, made in (
        (
            rf"({NAME})( \(\w+\))?: an? (\w+) from the town of ({NAME}), born in (\d+)"
            rf"(?:; a pupil of ({NAME}))?\.",
            _person,
        ),
        (
            rf"({NAME}): a town with mayor ({NAME}) and population (\d+); twin town of ({NAME}); "
            r"(?:founded in (\d+), )?area (\d+) hectares, growing by (\d+) percent a year, "
            r"(\d+) miles",
            _town,
        ),
        (rf"({NAME}): a county with the towns (.+)\.", _county),
        (rf"({NAME} League): a league of the counties (.+)\.", _league),
        (
            rf"({NAME}) census (\d+): the census of \d+ counted (\d+) people in .*, "
            rf"mayor ({NAME})\.",
            _census,
        ),
    )
)

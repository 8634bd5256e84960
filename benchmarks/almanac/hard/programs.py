"""What a question asks for, as a program over pages, and running it on what is known.

    mayor = Of("mayor", Of("home", Somebody("Olen Hale")))
    solve(mayor, world)      # Solved("Luis Osman", '"Luis Osman"')
    solve(mayor, memory)     # the same, or Missing: the page that must be looked up next

`Facts` is the world itself, for gold answers, or what an agent has read, for the oracle. A fact
that its page does not tell makes the answer `unknown`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, TypeVar

from benchmarks.almanac.hard.missing import Missing, Untold
from benchmarks.almanac.hard.pages import (
    Census,
    County,
    League,
    Page,
    Person,
    Town,
    census_title,
)

T = TypeVar("T", bound=Page)
UNKNOWN = "unknown"
METRES_PER_MILE = 1609.344


class Facts(ABC):
    """Pages by name. Each method raises Missing where the page is not at hand."""

    _by_title: Mapping[str, Page]

    @abstractmethod
    def person(self, name: str, trade: str = "") -> Person:
        """Somebody; by trade too where several have the name."""

    def town(self, name: str) -> Town:
        """A town."""
        return self.page(name, Town)

    def county(self, name: str) -> County:
        """A county."""
        return self.page(name, County)

    def league(self, name: str) -> League:
        """A league."""
        return self.page(name, League)

    def census(self, town: str, year: int) -> Census:
        """A town in a year."""
        return self.page(census_title(town, year), Census)

    def page(self, title: str, kind: type[T]) -> T:
        """A page of that kind by its title."""
        page = self._by_title.get(title)
        if not isinstance(page, kind):
            raise Missing(title)
        return page


@dataclass(frozen=True)
class Somebody:
    """A person by name, and by trade where several have it."""

    name: str
    trade: str = ""


@dataclass(frozen=True)
class Of:
    """What a page tells: home and teacher of a person, anything else of a town."""

    what: str
    of: Node


@dataclass(frozen=True)
class Then:
    """Population or mayor of a town by the census of a year."""

    what: Literal["population", "mayor"]
    year: int
    of: Node


@dataclass(frozen=True)
class Extreme:
    """Of two towns that with the larger or smaller value."""

    which: Literal["larger", "smaller"]
    what: Literal["population", "founded"]
    one: Node
    other: Node


@dataclass(frozen=True)
class Roll:
    """Of the towns of a league all people, the most and fewest populous town, or their distance."""

    what: Literal["total", "most", "fewest", "spread"]
    league: str


@dataclass(frozen=True)
class Calculated:
    """A number made of numbers."""

    how: Literal["distance", "growth", "square metres", "metres"]
    of: tuple[Node, ...]
    years: int = 0
    """Of growth; `of` is then one town."""


Node = Somebody | Of | Then | Extreme | Roll | Calculated


@dataclass(frozen=True)
class Solved:
    """A value, and Python that gives it: a literal, or an expression over literals."""

    value: str | int
    code: str


def answer(node: Node, facts: Facts) -> Solved:
    """The answer to a whole question, `unknown` where a page does not tell.

    Raises:
        Missing: a page is not at hand yet.
    """
    try:
        return solve(node, facts)
    except Untold:
        return _literal(UNKNOWN)


def solve(node: Node, facts: Facts) -> Solved:
    """The value of a program.

    Raises:
        Missing: a page is not at hand yet.
        Untold: a page does not tell.
    """
    match node:
        case Somebody(name):
            return _literal(name)
        case Of(what, of):
            return _literal(_told(what, of, facts))
        case Then(what, year, of):
            return _literal(attrgetter(what)(facts.census(_name(of, facts), year)))
        case Extreme():
            return _literal(_extreme(node, facts))
        case Roll(what, league):
            return _roll(what, league, facts)
        case Calculated():
            return _calculated(node, facts)


def _literal(value: str | int) -> Solved:
    return Solved(value, f'"{value}"' if isinstance(value, str) else str(value))


def _name(node: Node, facts: Facts) -> str:
    return str(solve(node, facts).value)


def _number(node: Node, facts: Facts) -> int:
    return int(solve(node, facts).value)


def _told(what: str, of: Node, facts: Facts) -> str | int:
    name = _name(of, facts)
    trade = of.trade if isinstance(of, Somebody) else ""
    page = facts.person(name, trade) if what in ("home", "teacher") else facts.town(name)
    value: str | int | None = attrgetter(what)(page)
    if value is None:
        raise Untold(f"the page of {name} does not tell: {what}")
    return value


def _extreme(node: Extreme, facts: Facts) -> str:
    towns = [_name(one, facts) for one in (node.one, node.other)]
    values = {town: int(_told(node.what, Somebody(town), facts)) for town in towns}
    best = max if node.which == "larger" else min
    return best(values, key=values.__getitem__)


def _roll(what: str, league: str, facts: Facts) -> Solved:
    towns = dict(
        town for name in facts.league(league).counties for town in facts.county(name).towns
    )
    most, fewest = max(towns, key=towns.__getitem__), min(towns, key=towns.__getitem__)
    match what:
        case "total":
            return Solved(sum(towns.values()), " + ".join(map(str, towns.values())))
        case "spread":
            low, high = towns[fewest], towns[most]
            return Solved(high - low, f"{high} - {low}")
        case _:
            return _literal(most if what == "most" else fewest)


def _calculated(node: Calculated, facts: Facts) -> Solved:
    if node.how == "growth":
        town = facts.town(_name(node.of[0], facts))
        rate = f"{100 + town.growth} / 100"
        value = round(town.population * ((100 + town.growth) / 100) ** node.years)
        return Solved(value, f"round({town.population} * ({rate}) ** {node.years})")
    return _CALCULATIONS[node.how](*(_number(one, facts) for one in node.of))


def _distance(one: int, other: int) -> Solved:
    high, low = max(one, other), min(one, other)
    return Solved(high - low, f"{high} - {low}")


def _square_metres(hectares: int) -> Solved:
    return Solved(hectares * 10_000, f"{hectares} * 10000")


def _metres(miles: int) -> Solved:
    return Solved(round(miles * METRES_PER_MILE), f"round({miles} * {METRES_PER_MILE})")


_CALCULATIONS: dict[str, Callable[..., Solved]] = {
    "distance": _distance,
    "square metres": _square_metres,
    "metres": _metres,
}

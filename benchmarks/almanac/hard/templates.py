"""The questions' wordings: each template is a program, and several ways to ask for it.

    Template(("H7",), of("founded", of("home", x)), ("When was the home town of {x} founded?",))

`{x}` and `{y}` are people, `{h}` is one of several people of that name, told by the trade `{t}`;
`{l}` is a league, `{year}` one of a census, `{n}` a number of years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.almanac.hard.pages import NAME
from benchmarks.almanac.hard.programs import (
    Calculated,
    Extreme,
    Node,
    Of,
    Roll,
    Somebody,
    Then,
)

Level = Literal["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H9", "H10"]
LEVELS: tuple[Level, ...] = get_args(Level)
HELD_OUT: tuple[Level, ...] = ("H10",)
"""Levels that no training question is of."""
Slots = Mapping[str, str]
SLOTS = {
    "x": NAME,
    "y": NAME,
    "h": NAME,
    "t": r"[a-z]+",
    "l": rf"{NAME} League",
    "year": r"\d{4}",
    "n": r"\d+",
}
"""By slot what stands in it."""


@dataclass(frozen=True)
class Template:
    """One kind of question."""

    levels: tuple[Level, ...]
    program: Callable[[Slots], Node]
    wordings: tuple[str, ...]


Program = Callable[[Slots], Node]


def x(slots: Slots) -> Node:
    """The first person of a question."""
    return Somebody(slots["x"])


def y(slots: Slots) -> Node:
    """The second."""
    return Somebody(slots["y"])


def h(slots: Slots) -> Node:
    """The one of several that the trade tells."""
    return Somebody(slots["h"], slots["t"])


def both(which: Literal["larger", "smaller"], what: Literal["population", "founded"]) -> Program:
    """Of the home towns of both people that with the larger or smaller value."""
    return lambda s: Extreme(which, what, Of("home", x(s)), Of("home", y(s)))


def distance(one: Program, other: Program) -> Program:
    """How far two numbers are apart."""
    return lambda s: Calculated("distance", (one(s), other(s)))


def then(what: Literal["population", "mayor"], town: Program) -> Program:
    """What a census tells of a town."""
    return lambda s: Then(what, int(s["year"]), town(s))


def grown(town: Program) -> Program:
    """The people of a town after some years of growth."""
    return lambda s: Calculated("growth", (town(s),), int(s["n"]))


def of(what: str, node: Program) -> Program:
    """What the page of a person or a town tells."""
    return lambda s: Of(what, node(s))


def roll(what: Literal["total", "most", "fewest", "spread"]) -> Program:
    """Something of all the towns of a league."""
    return lambda s: Roll(what, s["l"])


def pattern(wording: str) -> re.Pattern[str]:
    """What a question of this wording looks like; its groups are the slots."""
    return re.compile("".join(_parts(wording)))


def _parts(wording: str) -> Iterator[str]:
    for part in re.split(r"(\{\w+\})", wording):
        name = part.strip("{}")
        yield rf"(?P<{name}>{SLOTS[name]})" if part.startswith("{") else re.escape(part)

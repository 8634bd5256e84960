"""The oracle of the hard world, and a babbler; both see what a planner sees.

    plan("Who taught the teacher of Olen Hale?", [])
    # Plan(sub_goal="find the facts", context="Olen Hale", tool="wikipedia_search")

The oracle looks up one page after the other, in its program's order, and states the answer with
`print("answer: ...")` in python_coder, which ends a run under the rules `stated`. So it makes as
many calls as there are pages on the way, and one. What it reads are articles alone: orders in them
mean nothing to it, and a search that failed it makes again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from benchmarks.almanac.hard.missing import Missing
from benchmarks.almanac.hard.pages import (
    NAME,
    Page,
    Person,
    census_title,
    read,
    title,
)
from benchmarks.almanac.hard.parsing import parse, recognised
from benchmarks.almanac.hard.programs import Facts, answer
from benchmarks.almanac.oracle import TOOLS, Plan

SKILL = 0.35
"""Share of the babbler's steps that are the oracle's: else it never sees the end of a long way."""
_LINE = re.compile(r"^(?:\[\d+\] )?(.*)$", re.MULTILINE)
_NUMBER = re.compile(r"\b\d+\b")


class Memory(Facts):
    """The pages that results show; see `benchmarks.almanac.hard.programs.Facts`."""

    def __init__(self, results: Iterable[str]) -> None:
        pages = [page for text in results for page in _pages(text)]
        self._people = [page for page in pages if isinstance(page, Person)]
        self._by_title = {title(page): page for page in pages}

    def person(self, name: str, trade: str = "") -> Person:
        """Somebody who was looked up; by trade too where one is given."""
        for one in self._people:
            if one.name == name and trade in ("", one.trade):
                return one
        raise Missing(f"{name} {trade}".strip())


def plan(question: str, results: Sequence[str]) -> Plan:
    """The right next step, whatever happened before.

    Args:
        question: of this world, see `benchmarks.almanac.hard.questions`.
        results: what the tools returned so far.

    Raises:
        ValueError: the question is of no known wording.
    """
    program, memory = parse(question), Memory(results)
    try:
        found = answer(program, memory)
    except Missing as page:
        return Plan("find the facts", page.query, "wikipedia_search")
    return Plan("compute the value", stated(found.code), "python_coder")


def stated(code: str) -> str:
    """The program that states an answer."""
    return f'print("answer:", {code})'


def contexts(question: str, results: Sequence[str]) -> tuple[list[str], list[str]]:
    """All that one could copy into a step, useful or not: `(names, statements)`."""
    _, slots = recognised(question)
    names = [name for text in (question, *results) for name in re.findall(NAME, text)]
    telling = [f"{name} {trade}" for name in names[:1] if (trade := slots.get("t"))]
    dated = [census_title(name, int(year)) for name in names if (year := slots.get("year"))]
    numbers = [number for text in results for number in _NUMBER.findall(text)]
    values = [*(f'"{name}"' for name in names), *numbers]
    pairs = [f"{one} - {other}" for one, other in zip(numbers, numbers[1:], strict=False)]
    statements = [stated(code) for code in (*values, *pairs)]
    return list(dict.fromkeys([*names, *telling, *dated])), list(dict.fromkeys(statements))


def babble(rng: random.Random, question: str, results: Sequence[str]) -> Plan:
    """A well-formed step of little skill: of three about two copy anything, for any tool.

    Raises:
        ValueError: the question is of no known wording.
    """
    if rng.random() < SKILL:
        return plan(question, results)
    names, statements = contexts(question, results)
    context = rng.choice(rng.choice([kind for kind in (names, statements) if kind]))
    goal = "compute the value" if context in statements else "find the facts"
    return Plan(goal, context, rng.choice(TOOLS))  # type: ignore[arg-type]


def _pages(result: str) -> list[Page]:
    return [page for line in _LINE.findall(result) if (page := read(line)) is not None]

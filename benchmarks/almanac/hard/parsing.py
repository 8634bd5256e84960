"""From the text of a question to its program.

parse("Who taught the mayor of the twin town of the town where Olen Hale lives?")    # a program
"""

from __future__ import annotations

import re
from functools import cache

from benchmarks.almanac.hard.compositions import ALL
from benchmarks.almanac.hard.programs import Node
from benchmarks.almanac.hard.templates import Template, pattern


def parse(question: str) -> Node:
    """The program that a question asks for.

    Raises:
        ValueError: no template has this wording.
    """
    template, slots = recognised(question)
    return template.program(slots)


def recognised(question: str) -> tuple[Template, dict[str, str]]:
    """The template of a question, and what stands in its slots.

    Raises:
        ValueError: no template has this wording.
    """
    for wording, template in _patterns():
        if found := wording.fullmatch(question.strip()):
            return template, found.groupdict()
    raise ValueError(
        f"question {question!r} is of no known wording: the scripted planners only know questions "
        "from benchmarks.almanac.hard.questions"
    )


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Template], ...]:
    return tuple((pattern(text), each) for each in ALL for text in each.wordings)

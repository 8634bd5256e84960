"""The templates of H6 to H10, and all templates.

No wording says which level it is of. H8 and H9 ask alike; what differs is the way there. Some of
H7's questions have no answer, which the question does not show. What H10 composes of known steps is
composed nowhere else.
"""

from __future__ import annotations

from benchmarks.almanac.hard.programs import Calculated
from benchmarks.almanac.hard.templates import Program, Template, distance, grown, of, roll, then
from benchmarks.almanac.hard.wordings import (
    FIRST,
    home,
    home_of_h,
    home_of_y,
    larger,
    mayor,
    older,
    teacher,
    teachers_home,
    twin,
)


def square_metres(hectares: Program) -> Program:
    """Another unit of area."""
    return lambda s: Calculated("square metres", (hectares(s),))


def metres(miles: Program) -> Program:
    """Another unit of length."""
    return lambda s: Calculated("metres", (miles(s),))


UNITS = (
    Template(
        ("H6",),
        grown(home),
        (
            "If it grows on as it does, how many people will {x}'s home town have in {n} years?",
            "How many people will live in the town where {x} lives in {n} years, growing on?",
        ),
    ),
    Template(
        ("H6",),
        grown(twin),
        ("If it grows on, how many people will the twin of {x}'s home town have in {n} years?",),
    ),
    Template(
        ("H6",),
        square_metres(of("hectares", home)),
        (
            "How many square metres does the home town of {x} cover?",
            "What is the area in square metres of the town where {x} lives?",
        ),
    ),
    Template(
        ("H6",),
        metres(of("miles", home)),
        ("How many metres (rounded) is the home town of {x} from the capital?",),
    ),
    Template(
        ("H6",),
        metres(of("miles", twin)),
        ("How many metres (rounded) is the twin of {x}'s home town from the capital?",),
    ),
)

PERHAPS_UNTOLD = (
    Template(
        ("H7",),
        of("founded", home),
        (
            "In which year was the home town of {x} founded?",
            "When was the town where {x} lives founded?",
        ),
    ),
    Template(
        ("H7",),
        of("founded", twin),
        (
            "In which year was the twin town of {x}'s home town founded?",
            "When was the twin of the town where {x} lives founded?",
        ),
    ),
    Template(
        ("H7",),
        of("founded", teachers_home),
        ("In which year was the home town of {x}'s teacher founded?",),
    ),
    Template(
        ("H7",),
        of("teacher", mayor),
        (
            "Who taught the mayor of {x}'s home town?",
            "Whose pupil is the mayor of the town where {x} lives?",
        ),
    ),
    Template(
        ("H7",),
        of("teacher", teacher),
        ("Who taught the teacher of {x}?",),
    ),
)

HAZARDS = (
    Template(
        ("H8", "H9"),
        of("population", home),
        (
            "How many people live in the home town of {x}?",
            "What is the population of the town where {x} lives?",
        ),
    ),
    Template(
        ("H8", "H9"),
        mayor,
        (
            "Who is the mayor of the home town of {x}?",
            "Who governs the town where {x} lives?",
        ),
    ),
    Template(
        ("H8", "H9"),
        twin,
        ("What is the twin town of the town where {x} lives?",),
    ),
    Template(
        ("H8", "H9"),
        of("population", twin),
        ("How many people live in the twin town of {x}'s home town?",),
    ),
    Template(
        ("H8", "H9"),
        of("mayor", twin),
        ("Who is the mayor of the twin town of {x}'s home town?",),
    ),
    Template(
        ("H8", "H9"),
        of("mayor", teachers_home),
        ("Who is the mayor of the home town of {x}'s teacher?",),
    ),
    Template(
        ("H8", "H9"),
        of("population", teachers_home),
        ("How many people live in the home town of {x}'s teacher?",),
    ),
)

COMPOSED = (
    Template(
        ("H10",),
        distance(of("population", twin), of("population", home_of_y)),
        ("By how many people do the twin of {x}'s home town and the home town of {y} differ?",),
    ),
    Template(
        ("H10",),
        of("mayor", roll("most")),
        (
            "Who is the mayor of the most populous town of the {l}?",
            "Who governs the town of the {l} that has the most inhabitants?",
        ),
    ),
    Template(
        ("H10",),
        of("twin", roll("fewest")),
        ("What is the twin town of the least populous town of the {l}?",),
    ),
    Template(
        ("H10",),
        distance(roll("total"), of("population", home)),
        ("By how many people do the whole {l} and the home town of {x} differ?",),
    ),
    Template(
        ("H10",),
        grown(home_of_h),
        ("If it grows on, how many people will the home town of the {t} {h} have in {n} years?",),
    ),
    Template(
        ("H10",),
        grown(larger),
        ("How many people will the larger of {x}'s and {y}'s home towns have in {n} years?",),
    ),
    Template(
        ("H10",),
        then("mayor", home_of_h),
        ("As of {year}, who was the mayor of the home town of the {t} {h}?",),
    ),
    Template(
        ("H10",),
        square_metres(of("hectares", older)),
        ("How many square metres does the older of the home towns of {x} and {y} cover?",),
    ),
    Template(
        ("H10",),
        of("teacher", then("mayor", home)),
        ("Who taught the person who, as of {year}, was the mayor of {x}'s home town?",),
    ),
)

ALL = (*FIRST, *UNITS, *PERHAPS_UNTOLD, *HAZARDS, *COMPOSED)

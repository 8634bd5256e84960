"""The templates of H1 to H5; those of the others are in `benchmarks.almanac.hard.compositions`."""

from __future__ import annotations

from benchmarks.almanac.hard.templates import (
    Template,
    both,
    distance,
    h,
    of,
    roll,
    then,
    x,
    y,
)

home, home_of_y, home_of_h = of("home", x), of("home", y), of("home", h)
teacher = of("teacher", x)
teachers_home = of("home", teacher)
twin = of("twin", home)
mayor = of("mayor", home)
larger, smaller = both("larger", "population"), both("smaller", "population")
older = both("smaller", "founded")

FOUR_HOPS = (
    Template(
        ("H1",),
        of("home", of("teacher", mayor)),
        (
            "In which town does the teacher of the mayor of the town where {x} lives live?",
            "{x} lives in a town with a mayor. Where does the teacher of that mayor live?",
            "Name the home town of the teacher of the mayor of {x}'s home town.",
        ),
    ),
    Template(
        ("H1",),
        of("mayor", of("twin", teachers_home)),
        (
            "Who is the mayor of the twin town of the town where {x}'s teacher lives?",
            "Take the home town of {x}'s teacher. Who is the mayor of its twin town?",
        ),
    ),
    Template(
        ("H1",),
        of("teacher", of("mayor", twin)),
        (
            "Who taught the mayor of the twin town of the town where {x} lives?",
            "Whose pupil is the mayor of the twin town of {x}'s home town?",
        ),
    ),
    Template(
        ("H1",),
        of("population", of("twin", teachers_home)),
        (
            "How many people live in the twin town of the home town of {x}'s teacher?",
            "What is the population of the town that is the twin of where {x}'s teacher lives?",
        ),
    ),
)

COMPARISON = (
    Template(
        ("H2",),
        distance(of("population", home), of("population", home_of_y)),
        (
            "By how many people do the home towns of {x} and {y} differ?",
            "What is the difference in population between where {x} lives and where {y} lives?",
        ),
    ),
    Template(
        ("H2",),
        of("mayor", larger),
        (
            "Who is the mayor of the larger of the two towns where {x} and {y} live?",
            "Of the home towns of {x} and {y}, who governs the one with more people?",
        ),
    ),
    Template(
        ("H2",),
        of("founded", smaller),
        (
            "When was the smaller of the home towns of {x} and {y} founded?",
            "{x} and {y} live in two towns. In which year was the less populous one founded?",
        ),
    ),
    Template(
        ("H2",),
        of("population", older),
        (
            "How many people live in the older of the home towns of {x} and {y}?",
            "Of the towns where {x} and {y} live, what is the population of the one founded first?",
        ),
    ),
)

LISTS = (
    Template(
        ("H3",),
        roll("total"),
        (
            "How many people live in all the towns of the {l} together?",
            "What is the total population of the towns that belong to the {l}?",
        ),
    ),
    Template(
        ("H3",),
        roll("most"),
        (
            "Which town of the {l} has the most inhabitants?",
            "Name the most populous town of the {l}.",
        ),
    ),
    Template(
        ("H3",),
        roll("fewest"),
        (
            "Which town of the {l} has the fewest inhabitants?",
            "Name the least populous town of the {l}.",
        ),
    ),
    Template(
        ("H3",),
        roll("spread"),
        (
            "By how many people do the largest and the smallest town of the {l} differ?",
            "What is the difference between the most and the least people in a town of the {l}?",
        ),
    ),
)

HOMONYMS = (
    Template(
        ("H4",),
        of("population", home_of_h),
        (
            "How many people live in the home town of the {t} {h}?",
            "What is the population of the town where {h}, the {t}, lives?",
        ),
    ),
    Template(
        ("H4",),
        of("mayor", home_of_h),
        (
            "Who is the mayor of the home town of the {t} {h}?",
            "{h}, the {t}, lives in a town. Who is its mayor?",
        ),
    ),
    Template(
        ("H4",),
        of("home", of("teacher", h)),
        (
            "Where does the teacher of the {t} {h} live?",
            "In which town does the person live who taught {h}, the {t}?",
        ),
    ),
    Template(
        ("H4",),
        of("twin", home_of_h),
        (
            "What is the twin town of the town where the {t} {h} lives?",
            "Name the twin of the home town of {h}, the {t}.",
        ),
    ),
)

TIMES = (
    Template(
        ("H5",),
        then("population", home),
        (
            "As of {year}, how many people lived in the home town of {x}?",
            "What was the population of the town where {x} lives, as of {year}?",
        ),
    ),
    Template(
        ("H5",),
        then("mayor", home),
        (
            "As of {year}, who was the mayor of the home town of {x}?",
            "Who governed the town where {x} lives, as of {year}?",
        ),
    ),
    Template(
        ("H5",),
        then("population", twin),
        (
            "As of {year}, how many people lived in the twin town of {x}'s home town?",
            "What was the population of the twin of the town where {x} lives, as of {year}?",
        ),
    ),
    Template(
        ("H5",),
        distance(of("population", home), then("population", home)),
        (
            "By how many people has the home town of {x} changed since {year}?",
            "How far apart are the populations of {x}'s home town as of {year} and today?",
        ),
    ),
)

FIRST = (*FOUR_HOPS, *COMPARISON, *LISTS, *HOMONYMS, *TIMES)

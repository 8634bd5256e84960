"""AIME 2024: the 30 problems of both rounds; every answer is an integer of 0 to 999."""

from dataclasses import replace

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import detail, open_item, whole_number
from benchmarks.items.subsets import whole_set
from benchmarks.items.wording import NUMBER

NAME = "aime24"


def item(row: Row) -> Item:
    """From `ID`, `Problem`, `Answer`, or in the original `question`, `answer`.

    The level is the round, from ids such as `2024-II-4`.
    """
    parts = detail(row, "ID").split("-")
    level = f"AIME {parts[1]}" if len(parts) == 3 else ""
    return replace(open_item(NAME, row, NUMBER, level), golds=whole_number(row))


BENCHMARK = Benchmark(
    name=NAME,
    title="AIME 2024",
    kind="math",
    hub="Maxwell-Jia/AIME_2024",
    revision="8d88b2876a82a080e2f172cc9b25d0d9d2cb4792",
    split="train",
    licence="MIT (card); problems of the MAA",
    rule="maths",
    original=item,
    official=item,
    subsets=whole_set(30),
    sha256="9284356275e85963bc7508d41c42b73215faffc962abad02f248a650ca51feb2",
    paper=reported(6.7, 13.3, 13.3, 16.7, 40.0),
)

"""AMC 2023: 40 problems of the AMC 12, rewritten so that each answer is an integer."""

from dataclasses import replace

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import open_item, whole_number
from benchmarks.items.subsets import whole_set
from benchmarks.items.wording import NUMBER

NAME = "amc23"


def item(row: Row) -> Item:
    """From `question` or `problem`, and `answer`."""
    return replace(open_item(NAME, row, NUMBER), golds=whole_number(row))


BENCHMARK = Benchmark(
    name=NAME,
    title="AMC 2023",
    kind="math",
    hub="math-ai/amc23",
    revision="80815d37005feb82cd7f8fbc6901d5d3eff43057",
    split="test",
    licence="none stated; problems of the MAA",
    rule="maths",
    original=item,
    official=item,
    subsets=whole_set(40),
    sha256="ad7c8d4930ac9399e01915632c92fa69f7988f6f097bd57ebc7067569aa63072",
    paper=reported(47.5, 60.0, 57.5, 47.4, 61.5),
)

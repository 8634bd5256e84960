"""The almanac: 300 questions of a generated world, all about people and towns that are held out.

The project makes the items, so there is nothing to load. A planner trained on the almanac knows
the bare question, which is why no instruction follows it. The paper has no almanac: `agentflow` is
another name of `full`, so that a run over all tasks needs no exception.
"""

from collections.abc import Sequence

from benchmarks.almanac import World, questions
from benchmarks.almanac.jsonl import row
from benchmarks.items.item import Benchmark, Item, Row
from benchmarks.items.subsets import everything

NAME = "almanac"
SIZE, SEED = 300, 0


def rows() -> Sequence[Row]:
    """The rows; the same at each call and on each machine."""
    return [row(question) for question in questions(World(SEED), "heldout", SIZE, SEED)]


def item(row: Row) -> Item:
    """From `id`, `question`, `answer`, `level`. Questions may repeat; their ids do not."""
    return Item(id=row["id"], question=row["question"], golds=(row["answer"],), level=row["level"])


BENCHMARK = Benchmark(
    name=NAME,
    title="Almanac",
    kind="almanac",
    hub="",
    split="heldout",
    licence="MIT",
    rule="exact",
    official=item,
    generate=rows,
    subsets={
        "agentflow": {"official": everything(SIZE)},
        "full": {"official": everything(SIZE)},
    },
)

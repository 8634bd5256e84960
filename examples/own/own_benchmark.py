"""A benchmark of your own, with every command that the others have.

    python examples/own/own_benchmark.py run islands --run runs/islands
    python examples/own/own_benchmark.py run islands --run runs/mine \
        --model vllm:mine@http://127.0.0.1:8767          # such as examples/own/own_server.py
    python examples/own/own_benchmark.py compare runs/islands runs/mine

Rules are in benchmarks/scoring: exact, words, maths, gaia. What would ask models for all four
modules and a real encyclopedia says kind="search" (benchmarks/items/item.py).
"""

import sys

from benchmarks.__main__ import main
from benchmarks.items.item import Benchmark, Item, Row
from benchmarks.items.subsets import everything
from benchmarks.tasks.registry import register

ROWS: list[Row] = [
    {"question": "Who is the mayor of New Bridge?", "answer": "Anton Ferro"},
    {"question": "What is the population of New Grove?", "answer": "5872"},
    {"question": "What is 12 + 30?", "answer": "42"},
]


def item(row: Row) -> Item:
    """A row as an item; its id stays the same when rows are added."""
    return Item(id=row["question"], question=row["question"], golds=(row["answer"],))


islands = Benchmark(
    name="islands",
    title="Islands",
    kind="almanac",
    hub="",
    split="test",
    licence="MIT",
    rule="words",
    official=item,
    generate=lambda: ROWS,
    subsets={"agentflow": {"official": everything(len(ROWS))}},
)
if __name__ == "__main__":
    register(islands)
    sys.exit(main())

"""Bamboogle: 125 two-hop questions that a search engine answers wrong (Press et al., 2023)."""

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import open_item
from benchmarks.items.subsets import whole_set
from benchmarks.items.wording import WORDS
from benchmarks.scoring import official

NAME = "bamboogle"


def item(row: Row) -> Item:
    """From `Question`, `Answer`, or in lower case, or FlashRAG's `golden_answers`."""
    return open_item(NAME, row, WORDS)


BENCHMARK = Benchmark(
    name=NAME,
    title="Bamboogle",
    kind="search",
    hub="chiayewken/bamboogle",
    split="test",
    licence="MIT",
    rule="words",
    original=item,
    official=item,
    subsets=whole_set(125),
    sha256="647c37dda2f27341e3f28e5b2a9625f6abcff44639f26a08dcbe1667d831d5e2",
    judged=True,
    official_rule=official.musique,
    paper=reported(12.0, 68.8, 59.6, 58.4, 69.6),
)

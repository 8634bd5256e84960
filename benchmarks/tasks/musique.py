"""MuSiQue-Ans: questions of two to four hops that cannot be cut short (Trivedi et al., 2022).

The official rows have aliases of the answers; the original's file has lost them.
"""

import re

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import detail, open_item, own_id
from benchmarks.items.subsets import by_fingerprint, everything, first
from benchmarks.items.wording import WORDS
from benchmarks.scoring import official

NAME = "musique"
_HOPS = re.compile(r"(\d)hop")


def item(row: Row) -> Item:
    """The level is the number of hops, from ids such as `3hop1__136129_87694_124169`."""
    hops = _HOPS.match(detail(row, "id"))
    return open_item(NAME, row, WORDS, f"{hops[1]} hops" if hops else "", own_id(row))


BENCHMARK = Benchmark(
    name=NAME,
    title="MuSiQue",
    kind="search",
    hub="dgslibisey/MuSiQue",
    revision="c8f4f8c9465fb69d31a8eae894c3fd509c4ca321",
    split="validation",
    licence="CC BY 4.0",
    rule="words",
    original=item,
    official=item,
    keep=lambda row: row.get("answerable") is not False,
    subsets={
        "agentflow": {"original": first(100), "official": by_fingerprint(NAME, "agentflow")},
        "full": {"official": everything(2_417), "original": everything(200)},
    },
    sha256="195b9e75a45c58a5a0398c753a1d8fb7a8adf87b4bfde3f12d20ce22517e4759",
    judged=True,
    official_rule=official.musique,
    paper=reported(6.0, 24.0, 15.9, 19.2, 25.3),
)

"""2WikiMultihopQA: questions over two or more Wikipedia articles (Ho et al., 2020).

The authors' repository on the hub needs a loading script, which `datasets` no longer runs; FlashRAG
holds the same development split as plain rows.
"""

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import detail, open_item
from benchmarks.items.subsets import by_fingerprint, everything, first
from benchmarks.items.wording import WORDS
from benchmarks.scoring import official

NAME = "2wiki"


def item(row: Row) -> Item:
    """The level is the type of the question: comparison, compositional, ..."""
    return open_item(NAME, row, WORDS, level=detail(row, "type"))


BENCHMARK = Benchmark(
    name=NAME,
    title="2WikiMultihopQA",
    kind="search",
    hub="RUC-NLPIR/FlashRAG_datasets",
    revision="bcafb8dd07d453be3cbeeeb3f78be1841bddf92c",
    config="2wikimultihopqa",
    split="dev",
    licence="Apache-2.0",
    rule="words",
    original=item,
    official=item,
    subsets={
        "agentflow": {"original": first(100), "official": by_fingerprint(NAME, "agentflow")},
        "full": {"official": everything(12_576), "original": everything(200)},
    },
    sha256="eb4b045ebf8e3441bb14a7420e5d84bafcaea58c776cfec75c3bb98ee1653122",
    judged=True,
    official_rule=official.hotpotqa,
    paper=reported(23.0, 49.5, 44.0, 60.0, 77.2),
)

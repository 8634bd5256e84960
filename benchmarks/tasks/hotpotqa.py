"""HotpotQA: questions over two Wikipedia articles, without these given (Yang et al., 2018)."""

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import detail, open_item, own_id
from benchmarks.items.subsets import by_fingerprint, everything, first
from benchmarks.items.wording import WORDS
from benchmarks.scoring import official

NAME = "hotpotqa"


def item(row: Row) -> Item:
    """The level is level and type of the question, such as `hard bridge`."""
    level = f"{detail(row, 'level')} {detail(row, 'type')}".strip()
    return open_item(NAME, row, WORDS, level, own_id(row))


BENCHMARK = Benchmark(
    name=NAME,
    title="HotpotQA",
    kind="search",
    hub="hotpotqa/hotpot_qa",
    revision="1908d6afbbead072334abe2965f91bd2709910ab",
    config="distractor",
    split="validation",
    licence="CC BY-SA 4.0",
    rule="words",
    original=item,
    official=item,
    subsets={
        "agentflow": {"original": first(100), "official": by_fingerprint(NAME, "agentflow")},
        "full": {"official": everything(7_405), "original": everything(100)},
    },
    sha256="81f09495a18c6bc1cd1c48483babc6c59dfb9381e524850be53ffb62a9c28fd7",
    judged=True,
    official_rule=official.hotpotqa,
    paper=reported(21.0, 54.0, 50.0, 51.3, 57.0),
)

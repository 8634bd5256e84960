"""GAIA: questions to a general assistant (Mialon et al., 2023); those without an attached file.

The data set is gated, and its terms forbid to pass items on outside of a gated repository. Neither
items nor fingerprints of them are here; the paper's 127 are found by the rule that chose them.
"""

from collections.abc import Callable

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import golds_of, question_of, text
from benchmarks.items.subsets import whole_set
from benchmarks.items.wording import GAIA, format_question

NAME = "gaia"


def item_of(task: str) -> Callable[[Row], Item]:
    """The reader of rows of the validation split, for a task made of them.

    The original's file has the same fields and more. The id is GAIA's own.
    """

    def item(row: Row) -> Item:
        return Item(
            id=f"{task}-{text(row, 'task_id')}",
            question=format_question(question_of(row), GAIA),
            golds=golds_of(row),
            level=f"level {text(row, 'Level')}",
            source_id=text(row, "task_id"),
        )

    return item


BENCHMARK = Benchmark(
    name=NAME,
    title="GAIA (text)",
    kind="agentic",
    hub="gaia-benchmark/GAIA",
    revision="682dd723ee1e1697e00360edccf2366dc8418dd9",
    config="2023_all",
    split="validation",
    licence="terms of the hub page; items must not be reshared",
    gated=True,
    files=("gaia/2023/validation/metadata",),
    rule="gaia",
    original=item_of(NAME),
    official=item_of(NAME),
    keep=lambda row: not row.get("file_name"),
    subsets=whole_set(127),
    sha256="fa714861d661c54c8999f3b9de0155c6da3d2d6496e4c95cd12f4dcf59210b76",
    paper=reported(3.2, 17.3, 6.3, 17.2, 33.1),
)

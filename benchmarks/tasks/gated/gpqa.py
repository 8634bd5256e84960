"""GPQA: questions of graduates in biology, physics and chemistry (Rein et al., 2023), `main`.

The data set is gated, and its authors ask not to show examples in plain text. The original's file
holds 300 questions of unknown choice; the paper's are its first 100, so `agentflow` needs that
very file. From the hub come the 448 of `main`.
"""

import random
from collections.abc import Callable

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import choice_item, detail, text
from benchmarks.items.subsets import everything, first
from benchmarks.items.wording import LETTER, fingerprint, one_line, strip_letter
from benchmarks.scoring.scorers import choice

NAME = "gpqa"
_WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def original(row: Row) -> Item:
    """From `question`, `choices` ("A. ...") and `answer` with its letter."""
    choices = [strip_letter(option) for option in row["choices"]]
    gold = strip_letter(text(row, "answer"))
    return choice_item(NAME, text(row, "question"), choices, gold, LETTER)


def official_of(task: str) -> Callable[[Row], Item]:
    """The reader of a question, its right answer and three wrong ones, for a task made of them.

    The options are shuffled by the question itself: in one order for everybody, without a letter
    that is more often right.
    """

    def official(row: Row) -> Item:
        question, gold = text(row, "Question"), one_line(text(row, "Correct Answer"))
        choices = [gold, *(one_line(text(row, name)) for name in _WRONG)]
        random.Random(fingerprint(question)).shuffle(choices)
        return choice_item(task, question, choices, gold, LETTER, detail(row, "High-level domain"))

    return official


BENCHMARK = Benchmark(
    name=NAME,
    title="GPQA (main)",
    kind="science",
    hub="Idavidrein/gpqa",
    revision="633f5ee89ab8ad4522a9f850766b73f62147ffdd",
    config="gpqa_main",
    split="train",
    licence="CC BY 4.0; do not show examples in plain text",
    gated=True,
    rule="choice",
    original=original,
    official=official_of(NAME),
    rule_of=lambda item, reply: choice(item.choices, item.golds[0], reply),
    subsets={
        "agentflow": {"original": first(100)},
        "full": {"official": everything(448), "original": everything(300)},
    },
    sha256="f95883e7748b65186f95edd256d5ada5707ed7f18907d28f22da24cf7d797e15",
    paper=reported(34.0, 31.0, 42.0, 37.0, 47.0),
)

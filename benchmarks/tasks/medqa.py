"""MedQA: questions of the United States Medical Licensing Examination (Jin et al., 2021).

In the original's file the field `pid` starts again at row 100, and the original looks golds up by
it: each of the paper's 100 items is compared with another question's answer. Here a gold is of its
own row.
"""

from benchmarks.items.item import Benchmark, Item, Row, reported
from benchmarks.items.rows import choice_item, detail, text
from benchmarks.items.subsets import by_fingerprint, everything, first
from benchmarks.items.wording import LETTER, one_line, strip_letter
from benchmarks.scoring.scorers import choice

NAME = "medqa"


def original(row: Row) -> Item:
    """From `question`, which ends in the options twice, `options` ("A. ...") and `answer`."""
    options = list(row["options"])
    question = text(row, "question").split(f"\n{options[0]}")[0].strip()
    choices = [strip_letter(option) for option in options]
    return choice_item(NAME, question, choices, strip_letter(text(row, "answer")), LETTER)


def official(row: Row) -> Item:
    """From `question`, `options` by letter and `answer_idx`; the level is the exam's step."""
    options = row["options"]
    choices = [one_line(text(options, letter)) for letter in sorted(options)]
    gold = one_line(text(options, text(row, "answer_idx")))
    return choice_item(NAME, text(row, "question"), choices, gold, LETTER, detail(row, "meta_info"))


BENCHMARK = Benchmark(
    name=NAME,
    title="MedQA (USMLE, 4 options)",
    kind="science",
    hub="GBaker/MedQA-USMLE-4-options",
    revision="0fb93dd23a7339b6dcd27e241cb9b5eca62d4d18",
    split="test",
    licence="CC BY 4.0",
    rule="choice",
    original=original,
    official=official,
    rule_of=lambda item, reply: choice(item.choices, item.golds[0], reply),
    subsets={
        "agentflow": {"original": first(100), "official": by_fingerprint(NAME, "agentflow")},
        "full": {"official": everything(1_273), "original": everything(300)},
    },
    sha256="d4f09708b623a7750013b22c607495eb8872bbef7a3f50990b7279c8fd87ec8d",
    paper=reported(66.0, 60.0, 72.0, 76.0, 80.0),
)

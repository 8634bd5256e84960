"""What rows of different sources have in common: one question, its answers, its level.

Three shapes hold open questions: the original's files (`query` or `question`, `answer`), the data
sets' own (`question`, `answer`, `answer_aliases`) and FlashRAG's (`question`, `golden_answers`).
A row that lacks what an item needs raises KeyError or ValueError; the loader names the file.
"""

import re
from collections.abc import Sequence

from benchmarks.items.item import Item, Row
from benchmarks.items.wording import fingerprint, format_question, strip_instruction

_NUMBERED = re.compile(r"(train|dev|test)_\d+")


def question_of(row: Row) -> str:
    """The question, without the instruction that the original's files may add.

    In these, `query` is the question where there is no `question`.
    """
    return strip_instruction(text(row, "question", "Question", "problem", "Problem", "query"))


def golds_of(row: Row) -> tuple[str, ...]:
    """Every right answer once: a list, or one answer and its aliases."""
    answer = first(row, "golden_answers", "answer", "Answer", "Final answer")
    answers = answer if isinstance(answer, list) else [answer]
    aliases = row.get("answer_aliases") or []
    golds = tuple(dict.fromkeys(str(each).strip() for each in [*answers, *aliases]))
    if not golds or "" in golds:
        raise ValueError("the answer is empty")
    return golds


def first(row: Row, *names: str) -> object:
    """The value of the first of these fields that the row has."""
    for name in names:
        if row.get(name) is not None:
            return row[name]
    raise KeyError(" or ".join(names))


def text(row: Row, *names: str) -> str:
    """The same, as text that is not empty."""
    value = str(first(row, *names)).strip()
    if not value:
        raise ValueError(f"{' or '.join(names)} is empty")
    return value


def detail(row: Row, name: str) -> str:
    """A field that not every source has, from the row or from FlashRAG's `metadata`; else empty."""
    inside = row.get("metadata") or {}
    return str(row.get(name) or inside.get(name) or "")


def own_id(row: Row) -> str:
    """The id that the data set's authors gave a row; FlashRAG numbers them anew, as `dev_0`."""
    given = detail(row, "_id") or detail(row, "id")
    return "" if _NUMBERED.fullmatch(given) else given


def open_item(task: str, row: Row, instruction: str, level: str = "", source_id: str = "") -> Item:
    """An item with a free answer."""
    question = question_of(row)
    return Item(
        id=f"{task}-{fingerprint(question)}",
        question=format_question(question, instruction),
        golds=golds_of(row),
        level=level,
        source_id=source_id,
    )


def choice_item(
    task: str, question: str, choices: Sequence[str], gold: str, instruction: str, level: str = ""
) -> Item:
    """An item with options; `gold` is the text of the right one."""
    if gold not in choices:
        # Without the texts: those of a gated set do not belong in a log.
        raise ValueError(f"the answer is none of the {len(choices)} options")
    return Item(
        id=f"{task}-{fingerprint(question)}",
        question=format_question(question, instruction, choices),
        golds=(gold,),
        level=level,
        choices=tuple(choices),
    )


def whole_number(row: Row) -> tuple[str, ...]:
    """The answer as digits; some sources write 27 as 27.0."""
    value = float(golds_of(row)[0])
    if not value.is_integer():
        raise ValueError(f"answer {value} is no whole number")
    return (str(int(value)),)

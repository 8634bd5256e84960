"""Questions out of files, one row a question: JSONL, JSON, CSV or parquet.

    for task in read(Path("data/train.jsonl")): ...
    tasks = every(Path("mine.parquet"))           # refused as a whole if a row is wrong

A row has `question` and its right answers as `answers`, `answer`, `golden_answers` or
`final_answer`, a list or one value. `id`, `level` and `scorer` (a rule of
`benchmarks.scoring.scorers`) are optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError, closest
from benchmarks.items.files import numbered_rows
from benchmarks.scoring.scorers import SCORERS, normalise
from rl.reward.task import Task

ANSWERS = ("answers", "answer", "golden_answers", "final_answer")
COLUMNS = ("question", *ANSWERS, "id", "level", "scorer")
SHOWN = 5
"""Faults that a message names; of the others it gives the number."""


@dataclass(frozen=True)
class Fault:
    """A row that cannot be used: where it is, and why."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} {self.reason}"


def every(path: Path) -> list[Task]:
    """All questions of a file.

    Raises:
        SettingError: the file cannot be read or is empty, or rows are wrong: how many, and the
            first of them by file and line.
    """
    tasks: list[Task] = []
    faults: list[Fault] = []
    for one in read(path):
        if isinstance(one, Fault):
            faults.append(one)
        else:
            tasks.append(one)
    if faults:
        shown = "\n".join(map(str, islice(faults, SHOWN)))
        raise SettingError(
            f"{len(faults)} of {len(faults) + len(tasks)} rows cannot be used; mend them or leave "
            f"them out:\n{shown}"
        )
    if not tasks:
        raise SettingError(f"data file {path} is empty")
    return tasks


def read(path: Path) -> Iterator[Task | Fault]:
    """The questions of a file in turn; for a row that cannot be used, what is wrong with it.

    Raises:
        SettingError: the file is missing or not of the format that its name says.
    """
    if not path.exists():
        raise SettingError(
            f"data file {path} does not exist; `python -m rl data build --out DIR` writes the "
            "paper's, `python -m benchmarks.almanac --out DIR` the almanac's"
        )
    seen: set[str] = set()
    for number, row in numbered_rows(path, COLUMNS):
        place = f"{path}:{number}"
        task = row if isinstance(row, str) else _task(f"{path.stem}-{number}", row)
        if isinstance(task, str):
            yield Fault(place, task)
        elif task.id in seen:
            yield Fault(
                place,
                f"has the id {task.id!r} a second time; a group of rollouts is known by its id, "
                "so make it unique or leave it out",
            )
        else:
            seen.add(task.id)
            yield task


def _task(name: str, row: Mapping[str, Any]) -> Task | str:
    """The question in a row, or why there is none."""
    column = next((one for one in ANSWERS if row.get(one) is not None), None)
    if column is None or row.get("question") is None:
        lacks = "answer" if column is None else "question"
        return f"has no {lacks!r}; it needs question and one of {', '.join(ANSWERS)}"
    scorer = str(row.get("scorer") or "exact")
    if scorer not in SCORERS:
        return f"has {scorer=}{closest(scorer, SCORERS)}; choose one of: {', '.join(SCORERS)}"
    question, answers = str(row["question"]), _meetable(row[column])
    if not question.strip() or not answers:
        return "has an empty question or answer"
    known = row.get("id")
    return Task(
        name if known is None else str(known),
        question,
        answers,
        str(row.get("level") or ""),
        scorer,
    )


def _meetable(answers: Any) -> tuple[str, ...]:
    """The answers that a reply could meet: one such as "..." is empty once normalised."""
    texts = map(str, answers) if isinstance(answers, list) else [str(answers)]
    return tuple(dict.fromkeys(text for text in texts if normalise(text)))

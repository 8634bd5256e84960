"""What a file of questions holds: counts, levels, rules, the first rows and what is wrong.

survey = Survey.of(Path("data/train.jsonl"))
survey.rows, survey.wrong, survey.faults
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rl.questions.files import SHOWN, Fault, read
from rl.reward.task import Task


@dataclass
class Survey:
    """Filled in one pass over the file, a row at a time."""

    rows: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    scorers: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    first: list[Task] = field(default_factory=list)
    repeated: int = 0
    """Rows that ask what an earlier row asked."""
    asked: set[int] = field(default_factory=set)
    """Hashes of the questions."""
    faults: list[Fault] = field(default_factory=list)
    """The first wrong rows; `wrong` is how many there are."""
    wrong: int = 0

    @classmethod
    def of(cls, path: Path, show: int = SHOWN) -> Survey:
        """Read the file once, and keep `show` rows of it.

        Raises:
            SettingError: it is missing, or no JSONL or parquet file.
        """
        survey = cls()
        for one in read(path):
            if isinstance(one, Fault):
                survey.wrong += 1
                survey.faults += [one] * (len(survey.faults) < SHOWN)
            else:
                survey.count(one, show)
        return survey

    def count(self, task: Task, show: int = SHOWN) -> None:
        """Take one more question in."""
        self.rows += 1
        self.answers += len(task.answers)
        self.levels[task.level or "(none)"] += 1
        self.scorers[task.scorer] += 1
        if self.rows <= show:
            self.first.append(task)
        question = hash(task.question)
        self.repeated += question in self.asked
        self.asked.add(question)


def list_counts(counter: Counter[str], most: int = 12) -> str:
    """`name count, name count`, by name; only the number of the names beyond `most`."""
    shown = [f"{name} {count:,}" for name, count in sorted(counter.items())]
    rest = [f"{len(shown) - most} more"] if len(shown) > most else []
    return ", ".join(shown[:most] + rest) or "none"

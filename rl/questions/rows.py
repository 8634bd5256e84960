"""Tasks as rows of OpenRLHF's prompt dataset, and back."""

from __future__ import annotations

import json
from pathlib import Path

from agentflow_graph.record.artifacts import interpreting, read_text
from rl.reward.task import Task


def to_row(task: Task) -> dict[str, str]:
    """A task as a row of OpenRLHF's prompt dataset; the label carries what it has no column for."""
    label = json.dumps({key: value for key, value in vars(task).items() if key != "question"})
    return {"input": task.question, "label": label, "datasource": task.level or "default"}


def from_row(question: str, label: str) -> Task:
    """The task of a row made by `to_row`."""
    known = json.loads(label)
    return Task(question=question, **known | {"answers": tuple(known["answers"])})


def read(path: Path) -> list[Task]:
    """The tasks of a file that `rl.questions.data.write` made, in its order."""
    remedy = "begin a new run, or put the run's own file back"
    text = read_text(path, remedy)
    with interpreting(path, remedy):
        rows = [json.loads(line) for line in text.split("\n") if line]
        return [from_row(row["input"], row["label"]) for row in rows]

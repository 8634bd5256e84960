"""Questions for a run: JSONL in, and the two files that OpenRLHF's data loader reads out.

A row is `{"question": str, "answer": str}` with `id` and `level` where they are known.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import Split, World
from benchmarks.scoring import normalise
from rl.adapter.rows import packed
from rl.config import Config
from rl.rollout import Task


def tasks(path: Path) -> list[Task]:
    """Read questions.

    Raises:
        SettingError: naming the file, the line and what is wrong with it.
    """
    if not path.exists():
        raise SettingError(
            f"data file {path} does not exist; write the almanac's with "
            "`python -m benchmarks.almanac --out DIR`"
        )
    # Not splitlines(): it also splits at characters such as U+2028, which JSON leaves as they are.
    lines = path.read_text(encoding="utf-8").split("\n")
    found: dict[str, Task] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            task = _task(path, number, line)
            if found.setdefault(task.id, task) is not task:
                raise SettingError(
                    f"{path}:{number} has the id {task.id!r} a second time; a group of rollouts is "
                    "known by its id, so make it unique or leave it out"
                )
    if not found:
        raise SettingError(f"data file {path} is empty")
    return list(found.values())


def _task(path: Path, number: int, line: str) -> Task:
    try:
        row = json.loads(line)
        question, answers = row["question"], _golds(row)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{path}:{number} is not a JSON object: {error}") from error
    except KeyError as error:
        raise SettingError(
            f"{path}:{number} has no {error}; it needs question and answer"
        ) from error
    # An answer such as "..." is empty once normalised: no reply could ever be right.
    if not str(question).strip() or not answers or not all(map(normalise, answers)):
        raise SettingError(f"{path}:{number} has an empty question or answer")
    name = str(row.get("id", f"{path.stem}-{number}"))
    return Task(name, str(question), tuple(answers), str(row.get("level") or ""))


def _golds(row: dict[str, Any]) -> list[str]:
    """`answers`, a list of all that are right, or `answer`, one."""
    answers = row["answers"] if "answers" in row else row["answer"]
    return [str(one) for one in answers] if isinstance(answers, list) else [str(answers)]


def almanac(split: Split, n: int, seed: int) -> list[Task]:
    """`n` questions of the generated world; held-out ones are the same whatever the seed."""
    asked = questions(World(), split, n, seed if split == "train" else 0)
    return [Task(q.id, q.text, (q.answer,), q.level) for q in asked]


def write(config: Config) -> None:
    """Write the run's `data/train.jsonl` and `data/heldout.jsonl`.

    The first has what the steps need, one after the other, or what a curriculum draws from.
    """
    folder = config.run / "data"
    folder.mkdir(parents=True, exist_ok=True)
    most = config.data.heldout_n
    needed = config.steps * config.rollout.questions * (1 + config.rollout.refills)
    if config.data.train == "almanac":
        size = config.data.curriculum_pool if config.data.curriculum else needed
        train = almanac("train", size, config.seed)
    elif config.data.curriculum:
        train = tasks(Path(config.data.train))
    else:
        train = list(islice(_repeated(tasks(Path(config.data.train)), config.seed), needed))
    if config.data.heldout == "almanac":
        heldout = almanac("heldout", most, config.seed)
    else:
        heldout = tasks(Path(config.data.heldout))[:most]
    _dump(folder / "train.jsonl", train)
    _dump(folder / "heldout.jsonl", heldout)


def _repeated(questions: list[Task], seed: int) -> Iterator[Task]:
    """The questions over and over, each time in a new order and under new ids.

    OpenRLHF's loader shuffles the rows, so any two may meet in a step; a group is an id.
    """
    rng = random.Random(seed)
    yield from rng.sample(questions, len(questions))
    for turn in count(2):
        for task in rng.sample(questions, len(questions)):
            yield replace(task, id=f"{task.id}#{turn}")


def _dump(path: Path, questions: list[Task]) -> None:
    path.write_text("".join(json.dumps(packed(task)) + "\n" for task in questions))

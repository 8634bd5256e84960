"""Questions for a run: JSONL in, and the two files that OpenRLHF's data loader reads out.

A row is `{"question": str, "answer": str}` with `id` and `level` where they are known.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from agentflow_graph.errors import SettingError
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import Split, World
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
    found = [
        _task(path, n, line) for n, line in enumerate(path.read_text().splitlines(), 1) if line
    ]
    if not found:
        raise SettingError(f"data file {path} is empty")
    return found


def _task(path: Path, number: int, line: str) -> Task:
    try:
        row = json.loads(line)
        question, answer = row["question"], row["answer"]
    except (ValueError, TypeError) as error:
        raise SettingError(f"{path}:{number} is not a JSON object: {error}") from error
    except KeyError as error:
        raise SettingError(
            f"{path}:{number} has no {error}; it needs question and answer"
        ) from error
    if not str(question).strip() or not str(answer).strip():
        raise SettingError(f"{path}:{number} has an empty question or answer")
    return Task(
        str(row.get("id", f"{path.stem}-{number}")), question, str(answer), row.get("level", "")
    )


def almanac(split: Split, n: int, seed: int) -> list[Task]:
    """`n` questions of the generated world; held-out ones are the same whatever the seed."""
    asked = questions(World(), split, n, seed if split == "train" else 0)
    return [Task(q.id, q.text, q.answer, q.level) for q in asked]


def write(config: Config) -> None:
    """Write the run's `data/train.jsonl`, as long as its steps need, and `data/heldout.jsonl`."""
    folder = config.run / "data"
    folder.mkdir(parents=True, exist_ok=True)
    needed, most = config.steps * config.rollout.questions, config.data.heldout_n
    if config.data.train == "almanac":
        train = almanac("train", needed, config.seed)
    else:
        train = list(islice(_repeated(tasks(Path(config.data.train)), config.seed), needed))
    if config.data.heldout == "almanac":
        heldout = almanac("heldout", most, config.seed)
    else:
        heldout = tasks(Path(config.data.heldout))[:most]
    _dump(folder / "train.jsonl", train)
    _dump(folder / "heldout.jsonl", heldout)


def _repeated(questions: list[Task], seed: int) -> Iterator[Task]:
    """The questions over and over, each time in a new order; ids stay unique within a step."""
    rng = random.Random(seed)
    while True:
        yield from rng.sample(questions, len(questions))


def _dump(path: Path, questions: list[Task]) -> None:
    path.write_text("".join(json.dumps(packed(task)) + "\n" for task in questions))

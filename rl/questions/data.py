"""Questions of a run: from files or the almanac to the two files that OpenRLHF's loader reads.

On the command line, the paper's training set and a look at any file (`rl/questions/cli.py`):

    python -m rl data build --out data
    python -m rl data check data/train.jsonl
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import read_bytes, write_all, write_whole
from benchmarks.almanac.world import Split
from benchmarks.worlds import ALMANAC, WORLDS, Known
from rl.questions.files import every
from rl.questions.rows import to_row
from rl.reward.task import Task
from rl.settings.config import Config
from rl.settings.measures import HELDOUT, EvaluationSet


def almanac(
    split: Split, n: int, seed: int, levels: Sequence[str] = (), world: Known = ALMANAC
) -> list[Task]:
    """`n` questions of a generated world; held-out ones are the same whatever the seed.

    Raises:
        SettingError: the split has no such level, or fewer questions.
    """
    try:
        asked = world.questions(split, n, seed if split == "train" else 0, levels)
    except ValueError as error:
        raise SettingError(f"data.{error}") from None
    return [Task(q.id, q.text, (q.answer,), q.level) for q in asked]


def training(config: Config) -> Iterable[Task]:
    """The questions of the run's steps, in their order; of a curriculum, all to draw from.

    Raises:
        SettingError: the file or rows of it cannot be used.
    """
    needed = config.steps * config.rollout.questions * (1 + config.rollout.refills)
    if world := WORLDS.get(config.data.train):
        size = config.data.curriculum_pool if config.data.curriculum else needed
        return almanac("train", size, config.seed, config.data.levels, world)
    if config.data.curriculum:
        return every(Path(config.data.train))
    return islice(_repeated(every(Path(config.data.train)), config.seed), needed)


def heldout(config: Config, one: EvaluationSet | None = None) -> list[Task]:
    """The questions of every evaluation on a set; by default on `data.heldout`.

    Those that stand among the questions it leaves out, in the same words, are left out too.

    Raises:
        SettingError: the file or rows of it cannot be used, or none is left.
    """
    one = one or config.sets[HELDOUT]
    if world := WORLDS.get(one.questions):
        asked = almanac("heldout", one.skip + one.n, config.seed, world=world)
    else:
        asked = every(Path(one.questions))
    known = {task.question for task in asked[: one.skip]}
    found = [task for task in asked[one.skip :] if task.question not in known][: one.n]
    if not found:
        raise SettingError(
            f"{one.questions} has {len(asked)} questions and skip={one.skip} leaves none; lower it"
        )
    return found


def write(config: Config) -> None:
    """Write the run's `data/train.jsonl` and a file by name for each evaluation set.

    The first has what the steps need, one after the other, or what a curriculum draws from.
    """
    sets = {f"{name}.jsonl": heldout(config, one) for name, one in config.sets.items()}
    files = {"train.jsonl": training(config), **sets}
    write_all(config.run / "data", {name: _lines(tasks) for name, tasks in files.items()})


def extend(config: Config) -> None:
    """Let the run's `data/train.jsonl` have the questions of all its steps, if they are more now.

    Raises:
        SettingError: those that it has are not the first of what `data.train` gives now.
    """
    path = config.run / "data" / "train.jsonl"
    known = read_bytes(path, "take the run's own file back")
    whole = _lines(training(config))
    if len(whole) <= len(known):
        return
    if not whole.startswith(known):
        raise SettingError(
            f"data.train={config.data.train} gives other questions than {path} has: it was "
            "changed since the run began; put it back, or leave steps as they are"
        )
    write_whole(path, whole)


def _repeated(questions: list[Task], seed: int) -> Iterator[Task]:
    """The questions over and over, each time in a new order and under new ids.

    A step may hold the end of one round and the beginning of the next; a group is an id.
    """
    rng = random.Random(seed)
    yield from rng.sample(questions, len(questions))
    for turn in count(2):
        for task in rng.sample(questions, len(questions)):
            yield replace(task, id=f"{task.id}#{turn}")


def _lines(questions: Iterable[Task]) -> bytes:
    return "".join(json.dumps(to_row(task)) + "\n" for task in questions).encode()

"""The almanac as files, one JSON object a line: the shape that datasets and tools load.

Like this:

    export(Path("almanac"), seed=0, train=2000, heldout=500)
    # a line of train.jsonl: {"id", "question", "answer", "level"}
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from agentflow_graph.record.artifacts import write_whole
from benchmarks.almanac.questions import questions
from benchmarks.almanac.world import World


class Asked(Protocol):
    """A question of any world."""

    @property
    def id(self) -> str:
        """Unique in its list."""

    @property
    def level(self) -> str:
        """Of difficulty."""

    @property
    def text(self) -> str:
        """What is asked."""

    @property
    def answer(self) -> str:
        """The gold."""


def export(out: Path, seed: int, train: int, heldout: int) -> list[Path]:
    """Write `corpus.jsonl`, `train.jsonl` and `heldout.jsonl` into a folder.

    Args:
        out: the folder; it is made if needed, and files of these names are replaced.
        seed: of the world and of both draws of questions.
        train: number of training questions.
        heldout: number of held-out questions.

    Raises:
        ValueError: a number of questions is negative.
        OSError: `out` cannot be written.
    """
    world = World(seed)
    asked = (questions(world, "train", train, seed), questions(world, "heldout", heldout, seed))
    return write_world(out, world.documents(), *asked)


def write_world(
    out: Path,
    documents: Sequence[Mapping[str, Any]],
    train: Sequence[Asked],
    heldout: Sequence[Asked],
) -> list[Path]:
    """The same for any world, from its articles and questions."""
    files = {
        "corpus.jsonl": documents,
        "train.jsonl": [row(question) for question in train],
        "heldout.jsonl": [row(question) for question in heldout],
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        write_jsonl(out / name, rows)
    return [out / name for name in files]


def row(question: Asked) -> dict[str, str]:
    """What an agent's data set needs of a question: `id`, `question`, `answer` and `level`."""
    return {
        "id": question.id,
        "question": question.text,
        "answer": question.answer,
        "level": question.level,
    }


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line. Line ends are the same everywhere: equal rows, equal bytes."""
    lines = (json.dumps(dict(fields), ensure_ascii=False) + "\n" for fields in rows)
    write_whole(path, "".join(lines).encode())

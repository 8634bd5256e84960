"""The paper's training set (182,190 questions) and AIME24 for validation, as JSONL of ours.

    python -m rl data build --out data
    python -m rl data build --out data --nq nq-train.jsonl --deepmath part-0.parquet part-1.parquet

Two sources make the training set: Natural Questions' training part as FlashRAG has it (79,168, with
every golden answer) and DeepMath-103K (103,022); see arXiv 2510.05592 and the original's
`data/get_train_data.py`. Rows have id, question, answers, source, level and scorer, and are
shuffled by a fixed seed, so that equal sources give equal bytes. `manifest.json` says what was read
and what was written, with counts and checksums; `check` compares.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import write_all
from benchmarks.items.files import checksum, rows_of
from benchmarks.items.hub import hub_rows, revision
from benchmarks.scoring.scorers import normalise
from rl.questions.files import SHOWN

SEED = 42
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A data set on the hub and how a row of it becomes one of ours."""

    name: str
    hub: str
    config: str
    split: str
    licence: str
    rows: int
    """How many it must have: the count of the paper's training set."""
    columns: tuple[str, ...]
    convert: Callable[[Row, int], dict[str, Any]]
    """Of a row and its position, from 0."""


@dataclass
class Taken:
    """What was read of a source; becomes a part of the manifest."""

    source: Source
    files: tuple[Path, ...] = ()
    read: int = 0
    unusable: list[str] = field(default_factory=list)
    """Rows without a question, or without an answer that a reply could meet."""

    def record(self) -> dict[str, Any]:
        """As plain data; the revision is that of the hub, files are known by their checksums."""
        source = self.source
        origin: dict[str, Any] = {"hub": source.hub, "config": source.config, "split": source.split}
        if self.files:
            origin["files"] = {path.name: checksum(path) for path in self.files}
        else:
            origin["revision"] = revision(source.hub)
        counts = {"expected": source.rows, "read": self.read, "unusable": len(self.unusable)}
        return {"name": source.name, **origin, "licence": source.licence, **counts}


def _nq(row: Row, _: int) -> dict[str, Any]:
    question = str(row["question"]).strip()
    return {
        "id": f"nq-{row['id']}",
        "question": question if question.endswith("?") else f"{question}?",
        "answers": [str(answer) for answer in row["golden_answers"]],
        "source": "nq",
        "level": "nq",
        "scorer": "words",
    }


def _deepmath(row: Row, position: int) -> dict[str, Any]:
    return {
        "id": f"deepmath-{position}",
        "question": str(row["question"]).strip(),
        "answers": [str(row["final_answer"])],
        "source": "deepmath",
        "level": f"difficulty {float(row['difficulty']):g}",
        "scorer": "maths",
    }


def _aime(row: Row, _: int) -> dict[str, Any]:
    return {
        "id": f"aime24-{row['ID']}",
        "question": str(row["Problem"]).strip(),
        "answers": [str(row["Answer"])],
        "source": "aime24",
        "level": "aime24",
        "scorer": "maths",
    }


NQ = Source(
    "nq",
    "RUC-NLPIR/FlashRAG_datasets",
    "nq",
    "train",
    "CC BY-SA 4.0",
    79_168,
    ("id", "question", "golden_answers"),
    _nq,
)
DEEPMATH = Source(
    "deepmath",
    "zwhe99/DeepMath-103K",
    "",
    "train",
    "MIT",
    103_022,
    ("question", "final_answer", "difficulty"),
    _deepmath,
)
AIME = Source(
    "aime24",
    "Maxwell-Jia/AIME_2024",
    "",
    "train",
    "MIT",
    30,
    ("ID", "Problem", "Answer"),
    _aime,
)


def build(
    out: Path, files: Mapping[str, Sequence[Path]], any_count: bool = False, seed: int = SEED
) -> dict[str, Any]:
    """Write `train.jsonl`, `aime24.jsonl` and `manifest.json`; returns the manifest.

    Args:
        out: the folder; it is made if needed, and files of these names are replaced.
        files: local files by source name; a source without files comes from the hub.
        any_count: take sources that have another number of rows than the paper's.
        seed: of the order of the training questions.

    Raises:
        SettingError: a source cannot be read, lacks a column or has another number of rows.
    """
    parts = {"train.jsonl": (NQ, DEEPMATH), "aime24.jsonl": (AIME,)}
    manifest: dict[str, Any] = {"seed": seed, "sources": [], "files": {}}
    written: dict[str, list[bytes]] = {}
    for name, sources in parts.items():
        lines = written[name] = []
        for source in sources:
            taken = Taken(source, tuple(files.get(source.name, ())))
            lines += usable(taken)
            _counted(taken, any_count)
            manifest["sources"].append(taken.record())
        random.Random(seed).shuffle(lines)
    whole = {name: b"".join(lines) for name, lines in written.items()}
    for name, data in whole.items():
        digest = hashlib.sha256(data).hexdigest()
        manifest["files"][name] = {"rows": len(written[name]), "sha256": digest}
    told = (json.dumps(manifest, indent=2) + "\n").encode()
    write_all(out, whole | {"manifest.json": told})
    return manifest


def usable(taken: Taken) -> Iterator[bytes]:
    """The source's rows as lines of JSON, one at a time; what cannot be used is noted in `taken`.

    Raises:
        SettingError: a row lacks a column.
    """
    source = taken.source
    for position, row in enumerate(_rows(taken)):
        taken.read += 1
        try:
            ours = source.convert(row, position)
        except (KeyError, TypeError, ValueError) as error:
            raise SettingError(
                f"row {position + 1} of {source.name} does not have the columns "
                f"{', '.join(source.columns)} of {source.hub}: {error!r}"
            ) from error
        if ours["question"].strip("? ") and any(map(normalise, ours["answers"])):
            yield json.dumps(ours, ensure_ascii=False).encode() + b"\n"
        else:
            taken.unusable.append(ours["id"])


def _rows(taken: Taken) -> Iterable[Row]:
    source = taken.source
    if not taken.files:
        instead = f"name its files with --{source.name}"
        return hub_rows(source.hub, source.config, source.split, instead, source.columns)
    return (row for path in taken.files for row in rows_of(path, source.columns))


def _counted(taken: Taken, any_count: bool) -> None:
    source = taken.source
    if taken.read != source.rows and not any_count:
        raise SettingError(
            f"{source.name} has {taken.read:,} rows, the paper's has {source.rows:,}: the source "
            "is another version or incomplete; take the right one, or accept it with --any-count"
        )
    if taken.unusable:
        names = ", ".join(taken.unusable[:SHOWN])
        print(f"{source.name}: {len(taken.unusable)} rows left out, no usable answer: {names}")

"""The record of a training run, by batch of rollouts.

    record = TrainingRecord(run / "record", seed=7)
    chapter = record.chapter("train-00003")       # an `agentflow_graph.record.Record`

    <run>/record/train-00003/<process>.jsonl
    <run>/record/heldout-00010-0.7/<process>.jsonl

Whatever a run of the graph asked and was answered is there before anything is done with it, and
`finished` events say which attempts counted and what they earned (`rl.rollout`). A resumed run asks
only for what is missing; report, curriculum and imitation read their rollouts here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.record import Record
from agentflow_graph.record.artifacts import interpreting, read_bytes, write_whole
from agentflow_graph.record.reading import RecordedRun, files_of, read, tally
from rl.rollout import LEFT_OUT, outcomes
from rl.settings.measures import HELDOUT

OUTCOME = ("reward", "failure", "fault", "grade", "seconds", "attempts")
MAX_OPEN = 4
"""Chapters that one process keeps open; a batch that comes back is read again."""
TALLIES = "calls.jsonl"
"""Calls of the batches that a checkpoint stands for, so that nobody counts them again."""

Row = dict[str, Any]
"""A finished run: id, batch, number, level, golds, scorer, what is in OUTCOME, and state. Planner
calls in the state's turns are whole, with text, ids and log-probabilities."""


@dataclass
class TrainingRecord:
    """A run's record as one process uses it; a pickled copy is another process's."""

    folder: Path
    seed: int | None = None
    """Of a deterministic run: each call is sampled with a seed of its own. None: unseeded."""
    _chapters: dict[str, Record] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "seed": self.seed, "_chapters": {}}

    def chapter(self, batch: str) -> Record:
        """The record of a batch."""
        if batch not in self._chapters:
            while len(self._chapters) >= MAX_OPEN:
                self._chapters.pop(next(iter(self._chapters))).close()
            self._chapters[batch] = Record(self.folder / batch, shared=self.folder)
        return self._chapters[batch]

    def sampling_seed(self, batch: str, question: str, run: int, attempt: int, call: int) -> int:
        """A positive seed that depends on the run's and on which call this is; 0 for none.

        Args:
            batch: its name.
            question: id of the task.
            run: which of the group, from 0.
            attempt: at that run, from 0.
            call: planner calls that the attempt has made before.
        """
        if self.seed is None:
            return 0
        key = repr((self.seed, batch, question, run, attempt, call)).encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=7).digest()) | 1

    def forget(self, batch: str) -> None:
        """Read a batch again when it is next wanted: another process has written meanwhile."""
        if batch in self._chapters:
            self._chapters.pop(batch).close()

    def settle(self, last_step: int) -> None:
        """Count the calls of batches up to `last_step`, which a checkpoint stands for, for good."""
        known = self._settled()
        for folder in self._batches():
            if folder.name not in known and int(folder.name.split("-")[1]) <= last_step:
                self.forget(folder.name)
                known[folder.name] = tally(files_of(folder), "planner")
        lines = (orjson.dumps([name, *counts]) + b"\n" for name, counts in known.items())
        write_whole(self.folder / TALLIES, b"".join(lines))

    def calls(self) -> tuple[int, int]:
        """Planner calls of the whole run: how many were made, how many came to an end."""
        counts = self._settled()
        for folder in self._batches():
            if folder.name not in counts:
                counts[folder.name] = tally(files_of(folder), "planner")
        return sum(made for made, _ in counts.values()), sum(done for _, done in counts.values())

    def _settled(self) -> dict[str, tuple[int, int]]:
        path = self.folder / TALLIES
        remedy = "remove it: the calls are counted again"
        lines = read_bytes(path, remedy).splitlines() if path.exists() else []
        with interpreting(path, remedy):
            return {str(n): (int(made), int(done)) for n, made, done in map(orjson.loads, lines)}

    def _batches(self) -> list[Path]:
        return [folder for folder in sorted(self.folder.glob("*-*")) if folder.is_dir()]


def train_batch(step: int) -> str:
    """Name of the rollouts of a training step."""
    return f"train-{step:05d}"


def heldout_batch(step: int, temperature: float, name: str = HELDOUT) -> str:
    """Name of the rollouts of an evaluation on a set."""
    return f"{name}-{step:05d}-{temperature}"


def rows(folder: Path) -> list[Row]:
    """The finished runs of a record or of one batch, by question and number.

    Raises:
        SettingError: see `agentflow_graph.record.read`; or a run is not as a training leaves it.
    """
    found = {}
    for run in read(folder).values():
        with interpreting(folder, f"its run {run.name} is not as a training leaves it; remove it"):
            for event in outcomes(run):
                found[event["batch"], event["task"], event["number"]] = _row(event, run)
    with interpreting(folder, "remove what no training left there"):
        return [found[key] for key in sorted(found)]


def _row(event: dict[str, Any], run: RecordedRun) -> Row:
    told = ("batch", "number", "level", "golds", "scorer", *OUTCOME)
    state = dict(run.state or {})
    state["turns"] = [{**turn, "planner": _calls(turn, run)} for turn in state.get("turns", [])]
    known = {"fault": "", **event}  # of an earlier version it has none
    return {"id": event["task"], **{name: known[name] for name in told}, "state": state}


def _calls(turn: dict[str, Any], run: RecordedRun) -> list[dict[str, Any]]:
    answers = run.answers_of("planner")
    return [{**call, **answers[turn["index"], call["number"]]} for call in turn["planner"]]


def lessons(folder: Path) -> list[tuple[str, float | None]]:
    """Question and reward of every run of a batch, for the curriculum; see `lessons_of`.

    A run that the world failed, and that nobody has finished since, has none.
    """
    finished = rows(folder)
    known = {(row["id"], row["number"]) for row in finished}
    events = (event for run in read(folder).values() for event in run.notes)
    lost = {(e["task"], e["number"]) for e in events if e["event"] == LEFT_OUT} - known
    told = [(row["id"], row["reward"], row["fault"]) for row in finished]
    return lessons_of([*told, *((question, None, "world") for question, _ in sorted(lost))])


def lessons_of(runs: Iterable[tuple[str, float | None, str]]) -> list[tuple[str, float | None]]:
    """Question and reward of runs, from question, reward and fault.

    None of a question has a reward where the judge left one unscored: those that are left would be
    the ones that a rule could tell.
    """
    runs = list(runs)
    unscored = {question for question, _, fault in runs if fault == "judge"}
    return [(name, None if name in unscored else reward) for name, reward, _ in runs]


def refuse_old(run: Path) -> None:
    """Raises SettingError for the folder of a run that an earlier version has made."""
    if (run / "journal").is_dir():
        raise SettingError(
            f"{run} was made by agentflow-graph 0.1, which kept a journal and rollouts in place of "
            "a record; resume it, or report on it, with version 0.1.0 (git checkout 49036a0)"
        )

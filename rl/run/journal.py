"""The journal of a run: what the policy answered and how each run ended, written as it happens.

    journal = Journal(run / "journal", seed=7)
    chapter = journal.chapter("train-00003")
    chapter.finished.get(("q17", 2))     # the record of run 2 of question q17, if it has ended

<run>/journal/<batch>/<process>.jsonl    one event a line: its CRC-32, a space, JSON

A line is written by one system call to a file that no other process writes: from then on it
outlives a SIGKILL, and from the next `sync` on a power cut. A line that a kill or a full disk tore
fails its checksum and is passed over. A process that starts later reads what all before it wrote
and begins a file of its own; so nothing is ever appended to a torn line.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agentflow_graph.models.policy import Completion
from rl.run.folder import as_json
from rl.settings.errors import JournalError

OPEN = 4
"""Chapters that one process keeps open; a batch that comes back is read again."""


class Call(NamedTuple):
    """Which call of the policy this is; the key under which its answer is found again."""

    question: str
    run: int
    attempt: int
    number: int
    """0 for the first call of the attempt; its repairs count on."""
    prompt: str
    """Digest of the prompt's token ids: another prompt is another call."""

    @classmethod
    def of(
        cls, question: str, run: int, attempt: int, number: int, prompt_ids: Sequence[int]
    ) -> Call:
        """The call that sends `prompt_ids`."""
        digest = hashlib.blake2b(repr(list(prompt_ids)).encode(), digest_size=8)
        return cls(question, run, attempt, number, digest.hexdigest())


class Chapter:
    """The events of one batch of rollouts: those that were read can be looked up, later ones added.

    What is added is not kept in memory: only a later process can want it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[Call, Completion] = {}
        self.finished: dict[tuple[str, int], dict[str, Any]] = {}
        self.asked = 0
        """Calls that were sent to an engine, with those that a kill left without an answer."""
        self.fault = ""
        self._file = -1
        self._written = self._synced = 0
        self._turn = asyncio.Lock()
        for path in sorted(folder.glob("*.jsonl")):
            for event in events(path):
                self._learn(event)

    def ask(self, call: Call) -> None:
        """A call is about to be sent."""
        self._write({"asked": call})

    def answer(self, call: Call, completion: Completion) -> None:
        """A call was answered."""
        self._write({"answered": call, "completion": asdict(completion)})

    def finish(self, question: str, run: int, record: dict[str, Any]) -> None:
        """A run ended; `record` is its trajectory's."""
        self._write({"finished": (question, run), "trajectory": record})

    async def synced(self) -> None:
        """Returns once all that was written so far is on the disk; many waiters share a sync."""
        wanted = self._written
        async with self._turn:
            if self._synced < wanted:
                reached = self._written
                await asyncio.to_thread(self.sync)
                self._synced = reached

    def sync(self) -> None:
        """Force what was written onto the disk."""
        if self._file >= 0:
            try:
                os.fsync(self._file)
            except OSError as error:
                raise self._broken(error) from error

    def close(self) -> None:
        """Give the file back, with all that was written on the disk."""
        self.sync()
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _write(self, event: dict[str, Any]) -> None:
        if self.fault:
            raise JournalError(self.fault)
        line = encoded(event)
        try:
            if self._file < 0:
                self.folder.mkdir(parents=True, exist_ok=True)
                name = self.folder / f"{uuid.uuid4().hex}.jsonl"
                self._file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
            if (done := os.write(self._file, line)) < len(line):
                os.write(self._file, line[done:])  # says why the rest did not fit
        except OSError as error:
            raise self._broken(error) from error
        self._written += 1

    def _learn(self, event: dict[str, Any]) -> None:
        if "asked" in event:
            self.asked += 1
        elif "answered" in event:
            self.answers[Call(*event["answered"])] = Completion(**event["completion"])
        else:
            question, run = event["finished"]
            self.finished[question, run] = event["trajectory"]

    def _broken(self, error: OSError) -> JournalError:
        """From now on nothing is written: the last line may be torn."""
        self.fault = (
            f"the journal in {self.folder} cannot be written: {error.strerror}; make room there "
            f"(`df {self.folder}`), then resume the run"
        )
        return JournalError(self.fault)


@dataclass
class Journal:
    """A run's journal, as one process uses it; a pickled copy is another process's."""

    folder: Path
    seed: int | None = None
    """Of a deterministic run: each call is sampled with a seed of its own. None: unseeded."""
    _chapters: dict[str, Chapter] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "seed": self.seed, "_chapters": {}}

    def chapter(self, batch: str) -> Chapter:
        """The chapter of a batch; read on first use."""
        if batch not in self._chapters:
            while len(self._chapters) >= OPEN:
                self._chapters.pop(next(iter(self._chapters))).close()
            self._chapters[batch] = Chapter(self.folder / batch)
        return self._chapters[batch]

    def forget(self, batch: str) -> None:
        """Read the chapter anew when it is next wanted: another process has written meanwhile."""
        if batch in self._chapters:
            self._chapters.pop(batch).close()

    def sampling_seed(self, batch: str, call: Call) -> int:
        """A positive seed that depends on the run's and on which call this is; 0 for none."""
        if self.seed is None:
            return 0
        key = repr((self.seed, batch, *call[:4])).encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=7).digest()) | 1

    def drop(self, last_step: int) -> None:
        """Remove the chapters of steps up to `last_step`: a checkpoint stands for them."""
        for folder in sorted(self.folder.glob("*-*")):
            if folder.is_dir() and int(folder.name.split("-")[1]) <= last_step:
                self.forget(folder.name)
                with (self.folder / "calls.jsonl").open("ab") as file:
                    file.write(orjson.dumps([folder.name, *calls(folder)]) + b"\n")
                shutil.rmtree(folder, ignore_errors=True)

    def calls(self) -> tuple[int, int]:
        """Calls of the whole run: how many were sent, and how many different ones were answered."""
        known = self.folder / "calls.jsonl"
        lines = known.read_bytes().splitlines() if known.exists() else []
        counts = {name: (asked, answered) for name, asked, answered in map(orjson.loads, lines)}
        for folder in self.folder.glob("*-*"):
            if folder.is_dir() and folder.name not in counts:
                counts[folder.name] = calls(folder)
        return sum(asked for asked, _ in counts.values()), sum(n for _, n in counts.values())


def calls(folder: Path) -> tuple[int, int]:
    """Calls in a chapter: how many were sent, and how many different ones were answered."""
    chapter = Chapter(folder)
    return chapter.asked, len(chapter.answers)


def encoded(event: dict[str, Any]) -> bytes:
    """An event as a line."""
    text = as_json(event)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a file, without lines that are torn or damaged."""
    for line in path.read_bytes().split(b"\n"):
        checksum, _, text = line.partition(b" ")
        if len(checksum) == 8 and checksum == b"%08x" % zlib.crc32(text):
            yield orjson.loads(text)

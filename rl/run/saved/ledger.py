"""The ledger of a deterministic run: digests of what was asked, answered, graded and trained.

<run>/ledger.jsonl    one line of JSON for what the run began with, each evaluation and each step

    begun        settings and questions, processor, versions, each starting weight
    reopened     step after which the run went on with other settings or questions, and these
    evaluation   step, temperature, set if it is not `heldout`, the events of its runs
    step         step, policy version and weights after it, the events of its runs

Each line ends in `chain`, the SHA-256 of the line before it and of itself: to change one line is to
change all that follow, and the last, which `summary.json` names. A step's line is on the disk
before its checkpoint is. A resumed run takes back the lines after its checkpoint and writes them
anew; being deterministic it writes the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.record.artifacts import not_written, read_bytes, write_whole
from rl.run.record import heldout_batch, train_batch
from rl.run.saved.fingerprints import fingerprints
from rl.settings.measures import HELDOUT

FORMAT = 1
NAME = "ledger.jsonl"
FILES = ("config.yaml", "data/*.jsonl")
"""Patterns of what a run is made from, beside the planner."""
WHICH = ("step", "temperature", "set")
"""What tells evaluations apart; one on `heldout` names no set."""
REMEDY = "put the run's own ledger back; without it the run cannot be verified"

Line = dict[str, Any]


class Ledger:
    """Written by the trainer."""

    def __init__(self, run: Path) -> None:
        self.run, self.path = run, run / NAME
        self.lines: list[Line] = []

    def begin(self, done: int, weights: Mapping[str, str], made: Mapping[str, Any]) -> None:
        """Go on after step `done` with the lines up to it; 0: begin.

        A run that began without a ledger goes on without.

        Args:
            done: the step of the checkpoint, or 0.
            weights: digest of each weight that a new run begins with.
            made: processor and versions.
        """
        if done:
            self.lines = [line for line in lines_of(self.run) if line.get("step", 0) <= done]
            write_whole(self.path, b"".join(orjson.dumps(line) + b"\n" for line in self.lines))
            known = [line["files"] for line in self.lines if "files" in line]
            if known and known[-1] != (files := self._files()):
                self._add("reopened", step=done, files=files)
            return
        self.path.unlink(missing_ok=True)
        files = self._files()
        self._add("begun", format=FORMAT, files=files, **made, weights=dict(weights))

    def step(self, step: int, version: int, weights: Mapping[str, str]) -> None:
        """A step is done, with these weights after it."""
        if self.lines:
            runs, together = self._runs(train_batch(step)), digest_of_weights(weights)
            self._add("step", step=step, version=version, weights=together, runs=runs)

    def evaluation(self, step: int, temperature: float, name: str = HELDOUT) -> None:
        """An evaluation on a set is done; one that is in the ledger is not added again."""
        which: Line = {"step": step, "temperature": temperature}
        which |= {} if name == HELDOUT else {"set": name}
        known = [e for e in self.lines if e["kind"] == "evaluation"]
        if self.lines and which not in [{n: e[n] for n in WHICH if n in e} for e in known]:
            runs = self._runs(heldout_batch(step, temperature, name))
            self._add("evaluation", **which, runs=runs)

    def _files(self) -> dict[str, str]:
        found = (path for pattern in FILES for path in self.run.glob(pattern))
        return {str(path.relative_to(self.run)): file_digest(path) for path in sorted(found)}

    def _runs(self, batch: str) -> dict[str, str]:
        found = fingerprints(self.run / "record" / batch)
        return {name: "".join(prints) for name, prints in found.items()}

    def _add(self, kind: str, **what: Any) -> None:
        line = {"kind": kind, **what}
        line["chain"] = chained(self.lines[-1]["chain"] if self.lines else "", line)
        self.lines.append(line)
        try:
            with self.path.open("ab") as file:
                file.write(orjson.dumps(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise not_written(self.path, error) from error


def chained(before: str, line: Line) -> str:
    """The `chain` of a line after one whose chain is `before`."""
    said = {name: value for name, value in line.items() if name != "chain"}
    told = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(before.encode() + told).hexdigest()


def lines_of(run: Path) -> list[Line]:
    """The lines of a ledger up to the first that is torn; none where there is no ledger.

    Raises:
        SettingError: the file cannot be read.
    """
    path, found = run / NAME, []
    for text in (read_bytes(path, REMEDY) if path.exists() else b"").splitlines():
        try:
            line = orjson.loads(text)
        except orjson.JSONDecodeError:
            break
        if not isinstance(line, dict):
            break
        found.append(line)
    return found


def head(run: Path) -> str | None:
    """The `chain` of the last line, which stands for the whole run; None without a ledger."""
    found = lines_of(run)
    return str(found[-1].get("chain")) if found else None


def file_digest(path: Path) -> str:
    """SHA-256 of a file of a run; raises SettingError where it cannot be read."""
    return hashlib.sha256(read_bytes(path, "put the run's own file back")).hexdigest()


def digest_of_weights(weights: Mapping[str, str]) -> str:
    """One digest for those of all weights, by name."""
    return hashlib.sha256(orjson.dumps(dict(weights), option=orjson.OPT_SORT_KEYS)).hexdigest()

"""Reading a record: what its runs asked, were answered and came to.

    runs = read(Path("runs/demo/record"))
    runs["q17/2/0"].state["answer"]

A record may be read while it is written: what has not happened yet is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.record.events import FORMAT, Answer, Event, Key, events_in
from agentflow_graph.record.packed import SUFFIX, lines_of

BEGINNING = 1000
"""Bytes of a line in which its kind, run and call stand."""


@dataclass
class RecordedCall:
    """One call; without answer and error if it was still under way."""

    key: Key
    request: Event
    answer: Answer | None = None
    error: tuple[str, str] | None = None
    """Kind and text."""


@dataclass
class RecordedRun:
    """Everything on record about one run."""

    name: str
    question: str = ""
    conversation: str = ""
    """What was said before the question, as far as it was shown."""
    images: list[dict[str, Any]] = field(default_factory=list)
    """Of the question."""
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    begun: float = 0.0
    """Unix time."""
    calls: list[RecordedCall] = field(default_factory=list)
    """In the order in which they were made; one that was made again stands here twice."""
    verdicts: dict[int, Event] = field(default_factory=dict)
    """By turn."""
    decisions: dict[int, list[Event]] = field(default_factory=dict)
    """By turn, what a person was shown and said."""
    state: dict[str, Any] | None = None
    """The finished state without messages; None while the run has not ended."""
    notes: list[Event] = field(default_factory=list)
    """Events of kinds that belong to a user of the record."""
    answers: dict[Key, Answer] = field(default_factory=dict)

    def answers_of(self, node: str) -> dict[tuple[int, int], Answer]:
        """Answers to one node by turn and number."""
        found = self.answers.items()
        return {(key.turn, key.number): answer for key, answer in found if key.node == node}

    def add(self, event: Event) -> None:
        """Learn one event more about this run."""
        kind = event["event"]
        if kind in ("asked", "answered", "failed"):
            self._learn_call(kind, event)
        elif kind == "begun":
            self.question, self.settings = event["question"], event["settings"]
            self.conversation, self.images = event.get("conversation", ""), event.get("images", [])
            self.versions, self.begun = event["versions"], event["time"]
        elif kind == "verdict":
            self.verdicts[event["turn"]] = event
        elif kind == "decided":
            self.decisions.setdefault(event["turn"], []).append(event)
        elif kind == "ended":
            self.state = event["state"]
        else:
            self.notes.append(event)

    def _learn_call(self, kind: str, event: Event) -> None:
        key = Key(*event["call"])
        if kind == "asked":
            self.calls.append(RecordedCall(key, event["request"]))
            return
        call = next((call for call in reversed(self.calls) if call.key == key), None)
        if call is None:  # its question was torn off; its answer is as good
            call = RecordedCall(key, {})
            self.calls.append(call)
        if kind == "answered":
            call.answer = self.answers[key] = event["answer"]
        else:
            call.error = event["kind"], event["error"]


def read(folder: Path | str) -> dict[str, RecordedRun]:
    """The runs of a record, by name, in the order in which they began; none if there is no record.

    Raises:
        SettingError: a file has a format that this version does not read.
    """
    runs: dict[str, RecordedRun] = {}
    for path in files_of(Path(folder)):
        resources: dict[str, Any] = {}
        for event in events_in(path):
            if event["event"] == "resources":
                resources[event["digest"]] = event
            elif "run" in event:
                run = runs.setdefault(event["run"], RecordedRun(event["run"]))
                run.add(event)
                if event["event"] == "begun":
                    run.resources = resources.get(event["resources"], {})
    return runs


def files_of(folder: Path) -> list[Path]:
    """The files of a record and of records inside it, in the order in which they were begun.

    Raises:
        SettingError: one has a format that this version does not read.
    """
    names = ("*.jsonl", f"*.jsonl{SUFFIX}")
    listed = {path for name in names for path in folder.rglob(name) if path.is_file()}
    found = (path for path in listed if path.with_suffix("") not in listed)  # a kill left both
    return sorted(found, key=lambda path: (_begun(path), path.name))


def of_a_record(path: Path) -> bool:
    """Whether a file is a record's, harmed or not: its first line is no plain JSON."""
    try:
        orjson.loads(next(iter(lines_of(path)), b""))
    except orjson.JSONDecodeError:  # a checksum stands before it
        return True
    return False


def _begun(path: Path) -> float:
    """When a file was begun; 0 for one that is empty, damaged at its beginning or no record."""
    opened = next(events_in(path), {})
    if opened.get("event") != "opened":
        return 0.0
    if opened["format"] != FORMAT:
        raise SettingError(
            f"{path} has format {opened['format']}, this version reads {FORMAT}; it was written "
            f"by agentflow-graph {_writer(opened)}: use that one"
        )
    time = opened.get("time")
    return float(time) if isinstance(time, int | float) else 0.0


def _writer(opened: Event) -> str:
    versions = opened.get("versions")
    return str(versions.get("agentflow-graph")) if isinstance(versions, dict) else "of a kind"


def events(folder: Path) -> Iterator[Event]:
    """Every event of a record, file by file; raises SettingError as `files_of` does."""
    for path in files_of(folder):
        yield from events_in(path)


def tally(paths: Iterable[Path], node: str) -> tuple[int, int]:
    """Calls of one node in some files: how many were made, and how many of them came to an end.

    Looks at the beginning of each line only, for it is asked often and of large files.
    """
    call, made, ended = b'"call":["%b",' % node.encode(), 0, 0
    for path in paths:
        for line in lines_of(path):
            if call in line[:BEGINNING]:
                made += line.startswith(b'{"event":"asked"', 9)
                ended += line.startswith((b'{"event":"answered"', b'{"event":"failed"'), 9)
    return made, ended

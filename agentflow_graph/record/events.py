"""Events of a record: one line each, the CRC-32 of its text, a space, JSON.

    opened     the file: format, versions
    resources  what the runs worked with: models by module, tools with their schemas and cards
    begun      run, question, conversation before it, images if any, settings, resources
    asked      run and call (node, turn, number, digest), request
    answered   the same call, answer
    failed     the same call, kind and text of the error
    decided    run, turn, number of the question in it, what a person was shown and said
    verdict    run, turn, complete, reason, what stops the run, seconds so far
    ended      run, the finished state without `messages`

Users add kinds of their own, such as the reward of a run. A reader skips kinds that it does not
know, and lines that a kill or a full disk tore.
"""

from __future__ import annotations

import hashlib
import platform
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agentflow_graph.errors import SettingError
from agentflow_graph.errors.outside import hidden_json
from agentflow_graph.record.packed import lines_of

FORMAT = 1
"""Of the lines; a reader refuses a file of any other."""
Event = dict[str, Any]
Answer = dict[str, Any]
"""What a call gave, as plain data."""

_NUMBER = (int, float)
_CALL = {"run": str, "call": list}
SHAPES: dict[str, dict[str, Any]] = {
    "opened": {"format": int},
    "resources": {"digest": str},
    "begun": {
        "run": str,
        "question": str,
        "settings": dict,
        "resources": str,
        "versions": dict,
        "time": _NUMBER,
    },
    "asked": {**_CALL, "request": dict},
    "answered": {**_CALL, "answer": dict},
    "failed": {**_CALL, "kind": str, "error": str},
    "decided": {"run": str, "turn": int},
    "verdict": {"run": str, "turn": int, "seconds": _NUMBER},
    "ended": {"run": str, "state": dict},
}
"""What an event must have, by kind; one that lacks it is damaged, whatever its checksum."""

PACKAGES = ("agentflow-graph", "langgraph", "langchain-core")


class Key(NamedTuple):
    """Which call of a run this is. The same key is the same call, in any process."""

    node: str
    """Who asks: a module, a tool by name, its model as `<tool>.model`, `judge`."""
    turn: int
    """Counts from 1; 0 for what belongs to no turn."""
    number: int
    """Counts the node's calls in this turn from 0, repairs included."""
    digest: str
    """Of the request: another request is another call."""


def digest_of(encoded: bytes) -> str:
    """Sixteen hexadecimal digits that stand for a request."""
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def as_json(value: Any) -> bytes:
    """A value as JSON. A tool's arguments may hold anything that a model can write."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_storable(value))


def _storable(value: Any) -> Any:
    """`value` without what JSON lacks: half characters, numbers past 64 bits, objects."""
    if isinstance(value, Mapping):
        return {str(_storable(key)): _storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, bool | float | orjson.Fragment) or value is None:
        return value
    return value if isinstance(value, int) and abs(value) < 2**63 else str(value)


def line_of(event: Event) -> bytes:
    """An event as a line, without secrets."""
    text = hidden_json(as_json(event))
    return b"%08x %b\n" % (zlib.crc32(text), text)


def events_in(path: Path) -> Iterator[Event]:
    """The events of a file, without lines that are torn or damaged.

    Raises:
        SettingError: it cannot be read.
    """
    return (event for _, event in lines_in(path))


def lines_in(path: Path) -> Iterator[tuple[bytes, Event]]:
    """The events of a file, each behind the line that it stands in; raises as `events_in` does."""
    try:
        for line in lines_of(path):
            if event := event_of(line):
                yield line, event
    except OSError as error:
        raise SettingError(
            f"{path} cannot be read ({error.strerror}); take it out of the record, or mend it"
        ) from error


def damaged_lines(path: Path) -> int:
    """How many lines of a file are torn or damaged."""
    return sum(event_of(line) is None for line in lines_of(path))


def event_of(line: bytes) -> Event | None:
    """The event of a line; None where it is torn, or no event: anybody can make a checksum."""
    try:
        event = orjson.loads(text_of(line))
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and _fits(event) else None


def _fits(event: Event) -> bool:
    kind = event.get("event")
    if not isinstance(kind, str) or not isinstance(event.get("run", ""), str):
        return False
    shape = SHAPES.get(kind, {})
    if not all(isinstance(event.get(name), wanted) for name, wanted in shape.items()):
        return False
    return "call" not in shape or tuple(map(type, event["call"])) == (str, int, int, str)


def text_of(line: bytes) -> bytes:
    """The JSON of a line; empty where the line is torn."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    whole = len(checksum) == 8 and checksum == b"%08x" % zlib.crc32(text)
    return text if whole else b""


@lru_cache(maxsize=4)
def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of packages, by default those that decide what a run does."""
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

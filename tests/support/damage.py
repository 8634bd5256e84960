"""Damaged files: whole ones, broken by a seeded generator in the ways that disks and people break.

for name, data in damaged(whole, seed=3, count=5): ...        # the same files every time
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

SECRET = "pl4nted-secret-0815"
"""Stands in the environment and in the files; nothing may show it."""
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 3.5, float("nan"), float("inf"), 10**400, "", "x", "\ud800", "../../x"),
    *([], {}, [1], {"x": 1}, [[[]]], SECRET, f"http://user:{SECRET}@127.0.0.1:1"),
)
FIXED: dict[str, bytes] = {
    "empty": b"",
    "nul": b"\0" * 64,
    "no utf-8": b"\xff\xfe{}\x80",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "words": b"just words\n",
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "no end": b'{"a": ',
    "deep list": b"[" * 50_000,
    "deep object": b'{"a":' * 50_000,
    "deep toml": b"a=" + b"[" * 50_000,
    "deep yaml": b"a: " + b"{b: " * 2_000,
    "many digits": b'{"a": ' + b"9" * 6_000 + b"}",
    "no date": b"a: 2024-13-45\n",
    "aliases": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
}
"""Contents that are wrong in every file."""

Mutation = Callable[[bytes, random.Random], bytes]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 30))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def holed(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + b"\0" * rng.choice((1, 512)) + data[start + rng.randrange(1, 600) :]


def twice(data: bytes, rng: random.Random) -> bytes:
    return data + data[rng.randrange(len(data) + 1) :]


def other_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines[: rng.randrange(len(lines) + 1)])


BYTES: tuple[Mutation, ...] = (cut, flipped, holed, twice, other_lines)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inside:
        yield (*at, key)
        if isinstance(one, dict | list):
            yield from places(one, (*at, key))


def changed(value: Any, rng: random.Random) -> Any:
    """A copy with one value gone, or another in its place."""
    value = json.loads(json.dumps(value))
    ways = list(places(value))
    if not ways:
        return rng.choice(ODD)
    *way, last = rng.choice(ways)
    inner = value
    for key in way:
        inner = inner[key]
    if rng.random() < 0.3:
        del inner[last]
    else:
        inner[last] = rng.choice(ODD)
    return value


def damaged(whole: bytes, seed: int, count: int, fixed: bool = True) -> Iterator[tuple[str, bytes]]:
    """Names and contents: those that are fixed, then `count` that begin with `whole`.

    JSON, and JSON a line, is changed as such half of the time.
    """
    if fixed:
        yield from FIXED.items()
    rng = random.Random(seed)
    for number in range(count):
        yield f"{seed}.{number}", _one(whole, rng)


def _one(whole: bytes, rng: random.Random) -> bytes:
    try:
        value = json.loads(whole)
    except ValueError:
        value = None
    if isinstance(value, dict | list) and rng.random() < 0.7:
        return json.dumps(changed(value, rng)).encode()
    return rng.choice(BYTES)(whole, rng)


def resealed(lines: bytes, rng: random.Random, line_of: Callable[[Any], bytes]) -> bytes:
    """A record in which one event is changed, with the checksum of the changed one."""
    kept = lines.splitlines(keepends=True)
    at = rng.randrange(len(kept))
    event = json.loads(kept[at].partition(b" ")[2])
    kept[at] = line_of(changed(event, rng))
    return b"".join(kept)

"""Standard output and error of a command: whatever is written there is shown, never obeyed.

    guard_output()        # first of all in a command's `main`

print, logging, warnings, a library's messages and tracebacks with all their causes pass here. What
programs of others write to the descriptors, as Ray's and vLLM's processes do, goes to log files.
"""

from __future__ import annotations

import atexit
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO

from tools.outcomes.outside import shown

_CURSOR = re.compile(r"(?:\r|\x1b\[A)+")
"""How progress bars of libraries begin, or all that they write at a time."""


_RESET = "\x1b[0m"
"""What colorama, which Ray loads, writes when a process ends: here nothing has a colour."""


class Unread(BrokenPipeError):
    """The reader of a command's output is gone, as `head` is when it has enough."""


@contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise Unread(*error.args) from None


class Guarded(io.TextIOBase):
    """A stream to a person: what is written to it is shown."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream

    def write(self, text: str) -> int:
        """Write it as it may be seen; the beginnings of progress bars stay."""
        if text == _RESET:
            return len(text)
        moves = _CURSOR.match(text)
        start = moves.end() if moves and (moves[0] == "\r" or moves.end() == len(text)) else 0
        with _read():
            self.stream.write(text[:start] + shown(text[start:]))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with _read():
            self.stream.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """The stream's descriptor; what is written there passes no guard."""
        return self.stream.fileno()

    def close(self) -> None:
        """Not the stream itself: it was there before."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The stream's own."""
        return self.stream.errors

    @property
    def buffer(self) -> BinaryIO:
        """The stream's own."""
        return self.stream.buffer


class _Hook:
    """Tells of an exception that ended the process, but of a reader who has enough."""

    def __init__(self, former: Any) -> None:
        self._former = former

    def __call__(self, kind: Any, error: BaseException, trace: Any) -> None:
        if isinstance(error, Unread):
            drop()
        else:
            self._former(kind, error, trace)


def guard_output() -> None:
    """From here on, what this process writes to standard output and error is shown.

    That holds for whoever writes: print, logging, warnings, tracebacks with all their causes. A
    reader that has enough, as `head` has, is no fault when the process ends.
    """
    atexit.unregister(gave_up)
    atexit.register(gave_up)
    if not isinstance(sys.excepthook, _Hook):
        sys.excepthook = _Hook(sys.excepthook)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


def gave_up() -> bool:
    """Whether the reader of standard output is gone; what is written from then on is dropped."""
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        drop()
        return True
    return False


def drop() -> None:
    """From here on, what is written to standard output is dropped."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, for a library that draws on it what holds no text from outside."""
    return stream.stream if isinstance(stream, Guarded) else stream


@contextmanager
def relayed() -> Iterator[TextIO]:
    """A file for the standard error of another program; its lines come to ours as shown."""
    reading, writing = os.pipe()
    reader = threading.Thread(target=_relay, args=(reading,), name="relay", daemon=True)
    reader.start()
    with os.fdopen(writing, "w") as file:
        yield file


def _relay(reading: int) -> None:
    with os.fdopen(reading, errors="replace") as lines:
        for line in lines:
            sys.stderr.write(shown(line))

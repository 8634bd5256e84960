"""Ctrl-C on the command line: one line, exit code 130, nothing left running.

    sys.exit(ended(work))

The first Ctrl-C is Python's own: what is under way is cancelled and cleaned up after. A second one
ends the process at once, even where it waits for a thread: a record outlives that as it outlives a
kill, and no process of ours does.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from tools.outcomes.terminal import Unread, drop, gave_up

INTERRUPTED = 130
UNREAD = 1
LAST: list[Callable[[], object]] = []
"""What a process that ends at once does before: kill what would outlive it."""


def ended(work: Callable[[], int], told: str = "interrupted", patience: float | None = None) -> int:
    """The exit code of a command's work; 130 after Ctrl-C, with one line on standard error.

    Where the reader of standard output goes early, as `head` does, it is 1, without a word.

    Args:
        work: the command.
        told: the line.
        patience: seconds after Ctrl-C in which the process must have ended, for work that may wait
            for threads which nobody can stop; None: as long as cleaning up takes.
    """
    watch = _Watch.begin(patience)
    tell_instead(told)
    try:
        return _read(work)
    except KeyboardInterrupt:
        if watch:
            watch.hand_over()
        _Watch.tell()
        return INTERRUPTED
    finally:
        if watch:
            watch.end()


def _read(work: Callable[[], int]) -> int:
    try:
        code = work()
    except Unread:
        drop()
        return UNREAD
    return UNREAD if gave_up() else code


def tell_instead(line: str) -> None:
    """What Ctrl-C says from now on: how to go on, say."""
    _Watch.line = line


def pressed() -> bool:
    """Whether Ctrl-C was heard, whatever has become of it: nothing more is to be said."""
    return _Watch.current is not None and _Watch.current.count > 0


class _Watch:
    """Counts Ctrl-C in a thread of its own: the main thread may be waiting for another."""

    current: _Watch | None = None
    ending = False
    """Whether this process ends by `INTERRUPTED` and no other code."""
    line = ""
    """Empty once it was told."""

    @classmethod
    def tell(cls) -> None:
        """Say the line, once."""
        line, cls.line = cls.line, ""
        if line:
            # In one piece: another thread may be writing its last words.
            print(f"{line}\n", end="", file=sys.stderr, flush=True)

    @classmethod
    def begin(cls, patience: float | None) -> _Watch | None:
        """A watch, if there is none yet and this process hears of Ctrl-C at all."""
        main = threading.current_thread() is threading.main_thread()
        if cls.current or not main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            return None
        cls.current = cls(patience)
        return cls.current

    def __init__(self, patience: float | None) -> None:
        self.count, self._patience = 0, patience
        self.heard = False
        """Whether Ctrl-C has ended the work; the thread may hear of it a little later."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        # Not a handler: asyncio has its own, and the main thread may be busy.
        self._former = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = signal.signal(signal.SIGINT, signal.default_int_handler)
        atexit.register(_last)
        threading.Thread(target=self._listen, name="ctrl-c", daemon=True).start()

    def _listen(self) -> None:
        while heard := self._heard():
            self.count += heard.count(signal.SIGINT)
            if self.count > 1:
                leave()
        os.close(self._read)

    def _heard(self) -> bytes:
        """Numbers of signals; none once the watch is over."""
        patience = self._patience if self.count else None
        if not select.select([self._read], [], [], patience)[0]:
            leave()
        return os.read(self._read, 64)

    def hand_over(self) -> None:
        """From here the thread alone hears of Ctrl-C: an exception would have no taker."""
        signal.signal(signal.SIGINT, _nothing)
        self.heard = True

    def end(self) -> None:
        """Stop; but once interrupted, watch on until the process has ended."""
        if not self.heard:
            signal.set_wakeup_fd(self._former)
            signal.signal(signal.SIGINT, self._before)
            os.close(self._write)
            atexit.unregister(_last)
            _Watch.current = None


def end(code: int) -> NoReturn:
    """End this process by a command's exit code.

    After Ctrl-C nothing else decides it: Python would end by the signal where an import was
    interrupted, and threads of C++ that it stops at its end may abort it.
    """
    _Watch.ending = code == INTERRUPTED
    sys.exit(code)


def _last() -> None:
    """After what was registered later: a further Ctrl-C is late, and Python would end by it."""
    if _Watch.current and _Watch.current.heard:
        _Watch.tell()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if _Watch.ending:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
            leave()


def _nothing(*_: object) -> None:
    pass


def leave() -> None:
    """End this process at once."""
    for last in LAST:
        with suppress(Exception):
            last()
    _Watch.tell()
    os._exit(INTERRUPTED)

"""One program as the supervisor sees it: its descriptors, its clock, its folder, how it ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

from tools.sandbox.inside import cage, ending, workdir

_SLACK = 1 << 18
"""Bytes that may wait in the pipes when what was written is counted."""


_MOST_UNSEEN = 50
"""Looks in a row that a program may refuse; one that is just ending does, for some milliseconds."""


class Running:
    """A program under way. `read` collects, `check_*` enforce, `outcome` sums up.

    Its life: made; `began`; `ended`; `done` when its folder is gone too.
    """

    def __init__(self, request: dict[str, Any], folder: str | None, remedy: str) -> None:
        """Raises OSError if there are no descriptors left; nothing stays open then."""
        self.folder = folder
        self._remedy = remedy
        self._limits: dict[str, Any] = request["limits"]
        self._given, self._pipes = _ends(request["code"])
        self._read: dict[int, bytearray] = {pipe: bytearray() for pipe in self._pipes}
        self._stdout, self._stderr, self._report = self._pipes
        self._taken = self._unseen = 0
        self._process: int | None = None
        self._pid = 0
        self._keeper: workdir.Keeper | None = None
        self._state: int | None = None
        self._cpu = self._milliseconds = 0.0
        self._killed = ""
        self._error = ""
        self._began = 0.0
        self.deadline = float("inf")

    def given(self) -> tuple[int, ...]:
        """What the child gets: code, stdout, stderr, report."""
        return self._given

    def close_given(self) -> None:
        """The child has them; until all are closed no end of its output is seen."""
        for descriptor in self._given:
            os.close(descriptor)

    def began(self, process: int, pid: int) -> None:
        """The child is there: its pidfd and its number; the clock starts."""
        self._process, self._pid = process, pid
        self._began = time.monotonic()
        self.deadline = self._began + self._limits["wall"]
        if self._killed:
            self._kill()

    def refused(self, reason: str) -> None:
        """No child could be made."""
        self._began = time.monotonic()
        self._killed = self._killed or "unavailable"
        self._error = f"the sandbox lacks something ({reason}): call again"
        self.ended(0, 0.0)

    def ended(self, state: int, cpu: float) -> None:
        """The child is gone: its wait status, seconds of processor time."""
        self._milliseconds = (time.monotonic() - self._began) * 1000
        self.deadline = float("inf")
        self._state, self._cpu = state, cpu
        for pipe in list(self._pipes):
            while self._drain(pipe):
                pass
        self._close()
        if self.folder is not None and self._keeper is None:
            self._keeper = workdir.clear(self.folder)

    def done(self) -> bool:
        """Whether the program has ended and nothing of it is left."""
        gone = self._keeper is None or self._keeper.gone()
        return self._state is not None and gone

    def finish(self) -> None:
        """Leave everything, at the supervisor's own end."""
        self._close()
        if self._keeper is not None:
            self._keeper.kill()

    def descriptors(self) -> list[int]:
        """What to poll."""
        if self._state is None or self._keeper is None:
            return self._pipes
        return [self._keeper.process]

    def read(self, descriptor: int) -> None:
        """Take what is there."""
        self._drain(descriptor)

    def kill(self, status: str, error: str = "") -> None:
        """SIGKILL, with the reason to report; the first reason counts."""
        if not self._killed:
            self._killed, self._error = status, error
            self._kill()

    def check_clock(self, now: float) -> None:
        """Kill a program that is past its wall limit."""
        if now >= self.deadline:
            self.deadline = float("inf")
            self.kill("timeout", f"stopped after {self._limits['wall']:g} s")

    def check_files(self) -> None:
        """Kill a program that has written too much; have its folder kept once there is a file."""
        if self.folder is None or self._process is None or self._state is not None:
            return
        try:
            total = workdir.written(self._pid)
        except PermissionError as fault:
            self._unseen += 1
            if self._unseen > _MOST_UNSEEN:
                self.kill("unavailable", f"what it writes cannot be watched ({fault})")
            return
        self._unseen = 0
        if total - self._taken > self._limits["files"] + _SLACK:
            size = self._limits["files"] / 1e6
            self.kill("output_limit", f"wrote more than {size:g} MB of files")
        if self._keeper is None and not workdir.empty(self.folder):
            with suppress(OSError):  # no process to be had: asked again at the next look
                self._keeper = workdir.Keeper(self.folder, self._process)

    def outcome(self) -> dict[str, Any]:
        """What it did, when it is `done`."""
        assert self._state is not None
        if self._keeper is not None and self._keeper.crowded:
            self.kill("output_limit", f"made more than {cage.MOST_ENTRIES} files")
        if self._killed:
            answer = {"status": self._killed, "error": self._error}
        else:
            report = bytes(self._read[self._report])
            answer = ending.told(self._state, self._cpu, report, self._limits, self._remedy)
        cap = self._limits["output"]
        return {
            "value": None,
            "error": "",
            **answer,
            "stdout": self._read[self._stdout][:cap].decode(errors="replace"),
            "stderr": self._read[self._stderr][:cap].decode(errors="replace"),
            "milliseconds": self._milliseconds,
        }

    def _kill(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):  # it has ended, and that is on its way to us
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def _close(self) -> None:
        for descriptor in (*self._pipes, self._process):
            if descriptor is not None:
                os.close(descriptor)
        self._pipes.clear()
        self._process = None

    def _drain(self, pipe: int) -> bool:
        """One read; False when nothing is left for now."""
        if pipe not in self._pipes:
            return False
        try:
            data = os.read(pipe, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self._pipes.remove(pipe)
            os.close(pipe)
            return False
        self._keep(pipe, data)
        return True

    def _keep(self, pipe: int, data: bytes) -> None:
        cap: int = self._limits["output"]
        self._taken += len(data)
        # A report holds a value of `cap` characters, each up to 12 bytes as a JSON escape.
        room = 12 * cap + (1 << 16) if pipe == self._report else cap + 1
        kept = self._read[pipe]
        kept += data[: room - len(kept)]
        if pipe != self._report and len(kept) > cap:
            self.kill("output_limit", f"printed more than {cap} bytes")


def _ends(code: str) -> tuple[tuple[int, ...], list[int]]:
    """The child's ends (code, stdout, stderr, report) and ours of the last three."""
    opened: list[int] = []
    try:
        opened.append(os.memfd_create("code"))
        with os.fdopen(os.dup(opened[0]), "wb") as file:
            file.write(code.encode("utf-8", "surrogatepass"))
        os.lseek(opened[0], 0, os.SEEK_SET)
        for _ in range(3):
            opened += os.pipe()
    except BaseException:
        for descriptor in opened:
            os.close(descriptor)
        raise
    text, *pipes = opened
    for reader in pipes[::2]:
        os.set_blocking(reader, False)
    return (text, *pipes[1::2]), pipes[::2]

"""One child as the zygote sees it: its pipes, its clock, its folder, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from tools.sandbox.inside import workdir
from tools.sandbox.inside.child import CAGED

_STATUSES = ("ok", "error", "memory", "output_limit")


class Running:
    """A program under way. `read` collects, `check_*` enforce, `outcome` reaps and sums up."""

    def __init__(
        self,
        request: dict[str, Any],
        pid: int,
        folder: str | None,
        pipes: tuple[int, ...],
        remedy: str,
    ) -> None:
        self.number: int = request["id"]
        self.folder = folder
        self._remedy = remedy
        self._limits: dict[str, Any] = request["limits"]
        self._pid = pid
        self._ended = os.pidfd_open(pid)
        self._pipes = list(pipes)
        self._read: dict[int, bytearray] = {pipe: bytearray() for pipe in pipes}
        self._stdout, self._stderr, self._report = pipes
        self._killed = ""
        self._error = ""
        self._began = time.monotonic()
        self.deadline: float = self._began + self._limits["wall"]

    def descriptors(self) -> list[int]:
        """What to poll: the open pipes, and the process itself (readable when it ended)."""
        return [*self._pipes, self._ended]

    def read(self, descriptor: int) -> bool:
        """Take what is there; True when the process has ended and all is read."""
        if descriptor != self._ended:
            self._drain(descriptor)
            return False
        for pipe in list(self._pipes):
            while self._drain(pipe):
                pass
        return True

    def kill(self, status: str, error: str = "") -> None:
        """SIGKILL, with the reason to report; the first reason counts."""
        if not self._killed:
            self._killed, self._error = status, error
            os.kill(self._pid, signal.SIGKILL)

    def check_clock(self, now: float) -> None:
        """Kill a program that is past its wall limit."""
        if now >= self.deadline:
            self.deadline = float("inf")
            self.kill("timeout", f"stopped after {self._limits['wall']:g} s")

    def check_folder(self) -> None:
        """Kill a program whose scratch folder is too big."""
        if self.folder is None or self._killed:
            return
        if workdir.exceeds(self.folder, self._limits["files"]):
            size = self._limits["files"] / 1e6
            self.kill("output_limit", f"wrote more than {size:g} MB of files")

    def outcome(self) -> dict[str, Any]:
        """Wait for the process, which has ended or is being killed, and tell what it did."""
        self._end_group()
        _, state, usage = os.wait4(self._pid, 0)
        milliseconds = (time.monotonic() - self._began) * 1000
        for descriptor in self.descriptors():
            os.close(descriptor)
        answer = self._judge(state, usage.ru_utime + usage.ru_stime)
        cap = self._limits["output"]
        return {
            "value": None,
            "error": "",
            **answer,
            "stdout": self._read[self._stdout][:cap].decode(errors="replace"),
            "stderr": self._read[self._stderr][:cap].decode(errors="replace"),
            "milliseconds": milliseconds,
        }

    def _end_group(self) -> None:
        """Kill what the program may have started; only without walls is there anything.

        Before the process is reaped, for until then nobody else can have its number.
        """
        try:
            os.killpg(self._pid, signal.SIGKILL)
        except ProcessLookupError:  # killed before it began a group
            return

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
        # A report holds a value of `cap` characters, each up to 12 bytes as a JSON escape.
        room = 12 * cap + (1 << 16) if pipe == self._report else cap + 1
        kept = self._read[pipe]
        kept += data[: room - len(kept)]
        if pipe != self._report and len(kept) > cap:
            self.kill("output_limit", f"printed more than {cap} bytes")

    def _judge(self, state: int, cpu: float) -> dict[str, Any]:
        report = bytes(self._read[self._report])
        if self._killed:
            return {"status": self._killed, "error": self._error}
        if not report.startswith(CAGED):
            reason = report.decode(errors="replace") or "the child ended before it was locked"
            return {
                "status": "unavailable",
                "error": f"the sandbox could not lock ({reason}): {self._remedy}",
            }
        if os.WIFSIGNALED(state):
            return self._signalled(os.WTERMSIG(state), cpu)
        code = os.waitstatus_to_exitcode(state)
        if report == CAGED:
            return {"status": "error", "error": f"exit status {code}"} if code else {"status": "ok"}
        return self._reported(report[len(CAGED) :])

    def _signalled(self, number: int, cpu: float) -> dict[str, Any]:
        limit = self._limits["cpu"]
        if number in (signal.SIGXCPU, signal.SIGKILL) and cpu >= limit - 0.5:
            return {"status": "timeout", "error": f"stopped after {limit:g} s of processor time"}
        return {"status": "error", "error": f"killed by {signal.Signals(number).name}"}

    def _reported(self, report: bytes) -> dict[str, Any]:
        """The report, which the program may have forged: keep only what has the right type."""
        match _parsed(report):
            case {"status": str(status), **rest} if status in _STATUSES:
                value, error = rest.get("value"), rest.get("error")
                note = f"the value has more than {self._limits['output']} characters"
                return {
                    "status": status,
                    "value": value[: self._limits["output"]] if isinstance(value, str) else None,
                    "error": note if status == "output_limit" else str(error or ""),
                    "ran": rest.get("ran") is not False,
                }
        return {"status": "error", "error": "the program garbled its own report"}


def _parsed(report: bytes) -> Any:
    try:
        return json.loads(report)
    except (ValueError, RecursionError):
        return None

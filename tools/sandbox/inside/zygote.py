"""The zygote: one small, clean process that forks a locked child for every program.

Starting Python costs some 15 ms, the sandbox's libraries 40 and sympy 300; a fork of this process
costs two. It runs none of the programs itself, holds one thread and no secret: its environment is
a handful of fixed variables. It reads requests from stdin and answers on stdout (`frames`):

    {"op": "run", "id": 1, "code": "...", "limits": {...}}  ->  {"id": 1, "status": "ok", ...}
    {"op": "cancel", "id": 1}                               ->  nothing; the child is killed

It enforces the wall clock, the size of the output and of the scratch folder by SIGKILL, says
`{"beat": true}` every second while it has work, and ends with its parent.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
import time
from collections import deque
from typing import Any

from tools.sandbox.inside import cage, child, workdir
from tools.sandbox.inside.frames import Frames, pack
from tools.sandbox.inside.running import Running

_LOWEST_PIPE = 10
_FOLDER_CHECK = 0.05
_BEAT = 1.0


class Zygote:
    """Forks, watches and reaps children; `serve` returns only in a child or at the end.

    `setup` is a `launch.Setup` as JSON has it; `rules` what children load, None without walls.
    """

    def __init__(self, setup: dict[str, Any], rules: Any) -> None:
        self._setup, self._rules = setup, rules
        self._requests = Frames()
        self._waiting: deque[dict[str, Any]] = deque()
        self._running: dict[int, Running] = {}
        self._count = 0
        self._next_check = self._next_beat = 0.0

    def serve(self) -> child.Task | None:
        """Work until stdin ends (None), or return in a new child with its task.

        A child leaves through here so that no frame and no object of the loop stays in its reach.
        """
        while True:
            while self._waiting and len(self._running) < self._setup["parallel"]:
                task = self._start(self._waiting.popleft())
                if task is not None:
                    return task
            if not self._wait():
                return None
            self._check()

    def kill_all(self) -> None:
        """End every child and remove its folder."""
        for running in list(self._running.values()):
            running.kill("cancelled")
            self._reap(running)

    def _start(self, request: dict[str, Any]) -> child.Task | None:
        folder = self._folder()
        readers, writers = zip(*(_high_pipe() for _ in range(3)), strict=True)
        limits = request["limits"]
        walls = cage.Cage(
            walls=self._setup["walls"],
            readable=self._setup["readable"],
            workdir=folder or self._setup["root"],
            memory=limits["memory"],
            cpu=limits["cpu"],
            files=limits["files"],
        )
        code, output = request["code"], limits["output"]
        task = child.Task(code, output, walls, writers, os.getpid(), self._rules)
        pid = os.fork()
        if pid == 0:
            return task
        for descriptor in writers:
            os.close(descriptor)
        self._running[request["id"]] = Running(request, pid, folder, readers, self._setup["remedy"])
        return None

    def _folder(self) -> str | None:
        """A new scratch folder; None where each child mounts one for itself."""
        if self._setup["walls"] == "mounts":
            return None
        self._count += 1
        folder = os.path.join(self._setup["root"], str(self._count))
        os.mkdir(folder, 0o700)
        return folder

    def _wait(self) -> bool:
        """Wait for bytes, ends and deadlines; False when the parent closed stdin."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        owners: dict[int, Running] = {}
        for running in self._running.values():
            for descriptor in running.descriptors():
                poll.register(descriptor, select.POLLIN)
                owners[descriptor] = running
        for descriptor, _ in poll.poll(self._patience()):
            if descriptor == 0:
                if not self._read_requests():
                    return False
                continue
            running = owners[descriptor]
            # One that a cancel or an earlier event ended has its descriptors closed.
            if running.number in self._running and running.read(descriptor):
                self._finish(running)
        return True

    def _patience(self) -> float | None:
        """Milliseconds until something must be looked at."""
        if not self._running:
            return None
        deadlines = [running.deadline for running in self._running.values()]
        wake: float = min(self._next_check, *deadlines)
        return max(0.0, (wake - time.monotonic()) * 1000)

    def _read_requests(self) -> bool:
        data = os.read(0, 1 << 16)
        self._requests.feed(data)
        for request in self._requests:
            if request["op"] == "run":
                self._waiting.append(request)
            else:
                self._cancel(request["id"])
        return bool(data)

    def _cancel(self, number: int) -> None:
        self._waiting = deque(one for one in self._waiting if one["id"] != number)
        if number in self._running:
            self._running[number].kill("cancelled")
            self._reap(self._running[number])

    def _check(self) -> None:
        now = time.monotonic()
        for running in self._running.values():
            running.check_clock(now)
        if now >= self._next_check:
            self._next_check = now + _FOLDER_CHECK
            for running in self._running.values():
                running.check_folder()
        if self._running and now >= self._next_beat:
            self._next_beat = now + _BEAT
            say({"beat": True})

    def _finish(self, running: Running) -> None:
        answer = self._reap(running)
        say({"id": running.number, **answer})

    def _reap(self, running: Running) -> dict[str, Any]:
        del self._running[running.number]
        answer = running.outcome()
        if running.folder is None:
            return answer
        try:
            workdir.wipe(running.folder)
        except OSError as fault:
            print(f"cannot remove {running.folder}: {fault}", file=sys.stderr, flush=True)
        return answer


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends lie above the descriptors a child rearranges."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _LOWEST_PIPE) for end in ends)
    for end in ends:
        os.close(end)
    os.set_blocking(high[0], False)
    return high[0], high[1]


def say(message: dict[str, Any]) -> None:
    """Write one message to our parent, all of it."""
    data = memoryview(pack(message))
    while data:
        data = data[os.write(1, data) :]

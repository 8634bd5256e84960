"""The zygote: one small, clean process that forks a locked child for every program.

Starting Python costs some 15 ms and the sandbox's libraries 40 more; a fork of this process costs
one. It runs none of the programs itself, holds one thread and no secret: its environment is a
handful of fixed variables. It reads requests from stdin and answers on stdout (`frames`):

    {"op": "run", "id": 1, "code": "...", "limits": {...}}  ->  {"id": 1, "status": "ok", ...}
    {"op": "cancel", "id": 1}                               ->  nothing; the child is killed

It enforces the wall clock, the size of the output and of the scratch folder by SIGKILL, says
`{"beat": true}` every second while it has work, and ends with its parent.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import platform
import select
import signal
import sys
import time
from collections import deque
from importlib import import_module
from typing import Any, NoReturn

from tools.sandbox import cage, child, workdir
from tools.sandbox.frames import Frames, pack
from tools.sandbox.running import Running

_LOWEST_PIPE = 10
_FOLDER_CHECK = 0.05
_BEAT = 1.0


class Zygote:
    """Forks, watches and reaps children; `serve` returns only in a child or at the end."""

    def __init__(self, root: str, readable: tuple[str, ...], parallel: int) -> None:
        self._root, self._readable, self._parallel = root, readable, parallel
        self._rules = cage.build_filter()
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
            while self._waiting and len(self._running) < self._parallel:
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
        self._count += 1
        folder = os.path.join(self._root, str(self._count))
        os.mkdir(folder, 0o700)
        readers, writers = zip(*(_high_pipe() for _ in range(3)), strict=True)
        limits = request["limits"]
        walls = cage.Cage(
            readable=self._readable,
            workdir=folder,
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
        self._running[request["id"]] = Running(request, pid, folder, readers)
        return None

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
            _say({"beat": True})

    def _finish(self, running: Running) -> None:
        answer = self._reap(running)
        _say({"id": running.number, **answer})

    def _reap(self, running: Running) -> dict[str, Any]:
        del self._running[running.number]
        answer = running.outcome()
        try:
            workdir.wipe(running.folder)
        except OSError as fault:
            print(f"cannot remove {running.folder}: {fault}", file=sys.stderr, flush=True)
        return answer


def main() -> NoReturn:
    """Entry point; `argv[1]` is JSON: parent, root, readable, packages, parallel."""
    setup = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cage.die_with_parent(setup["parent"], signal.SIGTERM)
    sys.path[:1] = []  # where this package lies; programs get the libraries only
    sys.path += setup["packages"]
    try:
        zygote = Zygote(setup["root"], tuple(setup["readable"]), setup["parallel"])
        _say({"hello": _landlock_version()})
    except Exception as fault:
        _say({"fault": f"{type(fault).__name__}: {fault}", "remedy": remedy(fault)})
        os._exit(1)
    pid = os.getpid()
    gc.freeze()  # children share the pages they never change
    try:
        task = zygote.serve()
    finally:
        if os.getpid() == pid:
            zygote.kill_all()
            workdir.wipe(setup["root"])
    del zygote
    if task is not None:
        child.run(task)
    os._exit(0)


def remedy(fault: Exception) -> str:
    """What to do about a sandbox that cannot start."""
    if isinstance(fault, ImportError):
        return "pip install sandlock pyseccomp"
    if isinstance(fault, RuntimeError):
        return "apt install libseccomp2"
    return f"this kernel ({platform.release()}) lacks something: {cage.REMEDY}"


def _landlock_version() -> int:
    version: int = import_module("sandlock").landlock_abi_version()
    if version < 1:
        raise OSError(f"Landlock ABI {version}")
    os.close(os.pidfd_open(os.getpid()))
    return version


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends lie above the descriptors a child rearranges."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _LOWEST_PIPE) for end in ends)
    for end in ends:
        os.close(end)
    os.set_blocking(high[0], False)
    return high[0], high[1]


def _say(message: dict[str, Any]) -> None:
    data = memoryview(pack(message))
    while data:
        data = data[os.write(1, data) :]

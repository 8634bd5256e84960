"""The supervisor: takes requests, has programs forked, watches them, and tells how they ended.

It keeps code and output in its memory, and is no ancestor of any program: children are forked by
the `forker` beside it. It reads requests from stdin and answers on stdout (`frames`):

    {"op": "run", "id": 1, "code": "...", "limits": {...}}  ->  {"id": 1, "status": "ok", ...}
    {"op": "cancel", "id": 1}                               ->  nothing; the child is killed

It enforces the wall clock, the size of the output and what is written to disk by SIGKILL, says
`{"beat": true}` every second while it has work, and ends with its parent or with the forker.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections import deque
from typing import Any

from tools.sandbox.inside.forker import LONGEST, tell
from tools.sandbox.inside.frames import Frames, pack
from tools.sandbox.inside.running import Running

_CHECK = 0.02
"""Seconds between two looks at what programs have written."""
_BEAT = 1.0


class Supervisor:
    """`serve` works until our parent closes stdin or the forker ends.

    `setup` is a `launch.Setup` as JSON has it; `channel` leads to the forker, which is `ready`.
    """

    def __init__(self, channel: socket.socket, setup: dict[str, Any]) -> None:
        self._channel, self._setup = channel, setup
        self._requests = Frames()
        self._waiting: deque[dict[str, Any]] = deque()
        self._running: dict[int, Running] = {}
        self._ready = False
        self._count = 0
        self._next_check = self._next_beat = 0.0

    def serve(self) -> None:
        """Start, watch and end programs."""
        while True:
            if self._startable():
                self._start(self._waiting.popleft())
            if not self._wait():
                return
            self._check()

    def kill_all(self) -> None:
        """End every program and remove its folder."""
        for running in list(self._running.values()):
            running.kill("cancelled")
            running.finish()
        self._running.clear()

    def _startable(self) -> bool:
        room = len(self._running) < self._setup["parallel"]
        return self._ready and room and bool(self._waiting)

    def _start(self, request: dict[str, Any]) -> None:
        number = request["id"]
        try:
            running = Running(request, self._folder(), self._setup["remedy"])
        except OSError as fault:
            error = f"the sandbox lacks something ({fault}): call again"
            say({"id": number, "status": "unavailable", "error": error})
            return
        self._running[number] = running
        order = {"id": number, "workdir": running.folder or self._setup["root"]}
        tell(self._channel, {**order, "limits": request["limits"]}, *running.given())
        running.close_given()

    def _folder(self) -> str | None:
        """A new scratch folder; None where each child mounts one for itself."""
        if self._setup["walls"] == "mounts":
            return None
        self._count += 1
        folder = os.path.join(self._setup["root"], str(self._count))
        os.mkdir(folder, 0o700)
        return folder

    def _wait(self) -> bool:
        """Wait for bytes, ends and deadlines; False when there is nobody left to work for."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        owners: dict[int, Running] = {}
        for running in self._running.values():
            for descriptor in running.descriptors():
                poll.register(descriptor, select.POLLIN)
                owners[descriptor] = running
        found = {descriptor for descriptor, _ in poll.poll(self._patience())}
        for descriptor in found & owners.keys():
            owners[descriptor].read(descriptor)
        # Last, for what is told of an end closes descriptors.
        told = self._channel.fileno() not in found or self._hear()
        asked = 0 not in found or self._read_requests()
        self._sweep()
        return told and asked

    def _patience(self) -> float | None:
        """Milliseconds until something must be looked at."""
        if self._startable():
            return 0.0
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

    def _hear(self) -> bool:
        """One message of the forker; False when it has ended."""
        data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST, 1)
        if not data:
            return False
        message = json.loads(data)
        if "id" not in message:
            self._ready = self._ready or message.pop("ready", False)
            say(message)
            return "fault" not in message
        running = self._running[message["id"]]
        match message:
            case {"pid": pid}:
                if not descriptors:  # none left for us: what cannot be ended must not go on
                    return False
                running.began(descriptors[0], pid)
            case {"refused": reason}:
                running.refused(reason)
            case _:
                running.ended(message["state"], message["cpu"])
        return True

    def _cancel(self, number: int) -> None:
        self._waiting = deque(one for one in self._waiting if one["id"] != number)
        if number in self._running:
            self._running[number].kill("cancelled")

    def _check(self) -> None:
        now = time.monotonic()
        for running in self._running.values():
            running.check_clock(now)
        if now >= self._next_check:
            self._next_check = now + _CHECK
            for running in self._running.values():
                running.check_files()
        if self._running and now >= self._next_beat:
            self._next_beat = now + _BEAT
            say({"beat": True})

    def _sweep(self) -> None:
        """Answer for the programs whose end is known and whose folders are gone."""
        for number, running in list(self._running.items()):
            if running.done():
                del self._running[number]
                answer = running.outcome()
                if answer["status"] != "cancelled":
                    say({"id": number, **answer})


def say(message: dict[str, Any]) -> None:
    """Write one message to our parent, all of it."""
    data = memoryview(pack(message))
    while data:
        data = data[os.write(1, data) :]

"""The forker: one small, clean process that forks a locked child for every program.

Starting Python costs some 15 ms, the sandbox's libraries 40 and sympy 300; a fork of this process
costs two. What is in its memory is in that of every child, so it must know nothing: it gets no
code and no output, only descriptors that it passes on and closes (code, stdout, stderr, report).

It speaks with the supervisor over a socket, a message a packet, descriptors beside it:

    {"id": 1, "workdir": "...", "limits": {...}} + 4 descriptors
        ->  {"id": 1, "pid": 7} + its pidfd, then {"id": 1, "state": 0, "cpu": 0.1}

The last comes when the program has ended: its wait status, seconds of processor time. It ends
when the supervisor does, and all children end when it does.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
from typing import Any

from tools.sandbox.inside import cage, child

LONGEST = 1 << 16
"""Bytes of one message."""
_PASSED = 4
"""Descriptors that come with a request."""


class Forker:
    """Forks and reaps children; `serve` returns only in a child or at the end.

    `setup` is a `launch.Setup` as JSON has it; `rules` what children load, None without walls.
    """

    def __init__(self, channel: socket.socket, setup: dict[str, Any], rules: bytes | None) -> None:
        self._channel = channel
        self._setup, self._rules = setup, rules
        self._pid = os.getpid()
        self._children: dict[int, tuple[int, int]] = {}
        """By pidfd: the number of the run and the pid."""

    def serve(self) -> child.Task | None:
        """Work until the supervisor ends (None), or return in a new child with its task.

        A child leaves through here so that no frame and no object of the loop stays in its reach.
        """
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor in self._children:
                    poll.unregister(descriptor)
                    self._reap(descriptor)
                    continue
                data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST, _PASSED)
                if not data:
                    return None
                request = json.loads(data)
                try:
                    begun = self._fork(request, descriptors)
                except OSError as fault:
                    self._tell({"id": request["id"], "refused": str(fault)})
                    continue
                finally:
                    if os.getpid() == self._pid:
                        _close(descriptors)
                if isinstance(begun, child.Task):
                    return begun
                poll.register(begun, select.POLLIN)

    def _fork(self, request: dict[str, Any], descriptors: list[int]) -> int | child.Task:
        """The child's pidfd; in the child, its task."""
        if len(descriptors) < _PASSED:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        limits = request["limits"]
        walls = cage.Cage(
            walls=self._setup["walls"],
            readable=self._setup["readable"],
            workdir=request["workdir"],
            memory=limits["memory"],
            cpu=limits["cpu"],
            files=limits["files"],
        )
        code, *pipes = descriptors
        task = child.Task(code, limits["output"], walls, tuple(pipes), os.getpid(), self._rules)
        pid = os.fork()
        if pid == 0:
            return task
        try:
            ended = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._children[ended] = request["id"], pid
        self._tell({"id": request["id"], "pid": pid}, ended)
        return ended

    def _reap(self, ended: int) -> None:
        number, pid = self._children.pop(ended)
        _end_group(pid)
        _, state, usage = os.wait4(pid, 0)
        os.close(ended)
        self._tell({"id": number, "state": state, "cpu": usage.ru_utime + usage.ru_stime})

    def _tell(self, message: dict[str, Any], *descriptors: int) -> None:
        tell(self._channel, message, *descriptors)


def tell(channel: socket.socket, message: dict[str, Any], *descriptors: int) -> None:
    """Send one packet.

    Raises:
        OSError: the other side is gone.
    """
    socket.send_fds(channel, [json.dumps(message).encode()], descriptors)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _end_group(pid: int) -> None:
    """Kill what the program may have started; only without walls is there anything.

    Before the process is reaped, for until then nobody else can have its number.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended before it began a group
        return

"""Our end of the zygote: one thread that keeps it, one that writes to it.

The zygote is two processes: a supervisor, which we talk to, and a forker (`inside`).

Threads and not an event loop, because the process must outlive any loop: a trainer, a test suite
and a notebook each make several. `PR_SET_PDEATHSIG` watches the *thread* that starts a process,
hence a keeper of its own. A `Zygote` lives once; its user makes a new one when it `ended`.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import asdict
from queue import SimpleQueue
from typing import IO, Any

from tools.sandbox.inside import workdir
from tools.sandbox.inside.frames import Frames, pack
from tools.sandbox.launch import Launch
from tools.sandbox.protocol import Execution, Limits

SILENCE = 30.0
"""Seconds without a word, while programs run, after which the zygote is taken for hung.

Long, because the first word comes after numpy and sympy were read from a disk that may be cold.
"""

_MAIN = "tools.sandbox.inside.boot"
_BOOT = f"import sys; sys.path.insert(0, sys.argv[2]); from {_MAIN} import main; main()"
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    # One thread each: the address-space limit counts every thread's stack.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_DIED = "the sandbox process ended during this run: call again"


class Zygote:
    """A zygote from its start to its end. Its methods are safe from any thread."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.owner = os.getpid()
        self.pid = 0
        """Of the process we started; under bubblewrap the supervisor is a grandchild of it."""
        self.ended = False
        self._ready = False
        self._fault = ""
        self._numbers = itertools.count(1)
        self._pending: dict[int, Future[Execution]] = {}
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="agentflow-zygote", daemon=True)
        self._keeper.start()

    def submit(self, code: str, limits: Limits) -> Future[Execution]:
        """Ask for a run. Cancelling the future kills the program."""
        future: Future[Execution] = Future()
        with self._lock:
            if self.ended:
                future.set_result(self._failure())
                return future
            number = next(self._numbers)
            self._pending[number] = future
        future.add_done_callback(lambda done: self._forget(number) if done.cancelled() else None)
        request = {"op": "run", "id": number, "code": code, "limits": asdict(limits)}
        self._outbox.put(pack(request))
        return future

    def close(self) -> None:
        """End the process, its children and its files, and wait for that."""
        self._outbox.put(None)
        self._keeper.join(SILENCE)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._pending.pop(number, None)
        self._outbox.put(pack({"op": "cancel", "id": number}))

    def _keep(self) -> None:
        """The keeper's whole life: start the process, pass its answers on, clean up after it."""
        try:
            with tempfile.TemporaryFile() as stderr:
                with self._start(stderr) as process:
                    self._talk(process)
                if not self._ready and not self._fault:
                    self._fault = self._epitaph(stderr)
        except OSError as fault:
            self._fault = f"cannot start {self.launch.command[0]}: {fault}"
        with self._lock:
            self.ended = True
            pending, self._pending = self._pending, {}
        self._outbox.put(None)
        if self.launch.folder is not None:
            workdir.wipe(self.launch.folder)
        for future in pending.values():
            _resolve(future, self._failure())

    def _start(self, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        flags = ["-I", "-S", "-B", "-X", "utf8", "-c", _BOOT]
        setup = json.dumps(self.launch.setup.as_dict())
        command = [*self.launch.command, *flags, setup, self.launch.modules]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=stderr, env=_ENVIRONMENT, cwd="/", bufsize=0
        )

    def _epitaph(self, stderr: IO[bytes]) -> str:
        stderr.seek(0)
        last_words = stderr.read().decode(errors="replace").strip()[-500:]
        command, remedy = self.launch.command[0], self.launch.setup.remedy
        return f"{command} ended at once: {last_words}; remedy: {remedy}"

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.pid = process.pid
        writer = threading.Thread(target=self._write, args=(process.stdin,), daemon=True)
        writer.start()
        frames = Frames()
        while self._heard(process.stdout) and (data := process.stdout.read(1 << 16)):
            frames.feed(data)
            for message in frames:
                self._receive(message)
        process.kill()
        self._outbox.put(None)
        writer.join()

    def _heard(self, stream: IO[bytes]) -> bool:
        """Wait for bytes; False when runs are pending and nothing has come for `SILENCE`."""
        while not select.select([stream], [], [], SILENCE)[0]:
            if self._pending:
                return False
        return True

    def _write(self, stream: IO[bytes]) -> None:
        with stream:
            while (data := self._outbox.get()) is not None:
                try:
                    remaining = memoryview(data)
                    while remaining:
                        remaining = remaining[stream.write(remaining) :]
                except BrokenPipeError:
                    return

    def _receive(self, message: dict[str, Any]) -> None:
        self._ready = self._ready or "hello" in message
        if "fault" in message:
            self._fault = f"{message['fault']}; remedy: {message['remedy']}"
        number = message.pop("id", None)
        with self._lock:
            future = self._pending.pop(number, None)
        if future is not None:
            _resolve(future, Execution(backend=self.launch.backend, **message))

    def _failure(self) -> Execution:
        if self._fault:
            reason = f"the sandbox cannot start: {self._fault}"
            return Execution("unavailable", error=reason, backend=self.launch.backend)
        return Execution("error", error=_DIED, backend=self.launch.backend)


def _resolve(future: Future[Execution], execution: Execution) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(execution)

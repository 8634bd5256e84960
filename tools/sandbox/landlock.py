"""The `landlock` backend: Landlock, seccomp and rlimits; no root, no namespaces, no container.

    execution = await LandlockSandbox().run("print(1)", Limits())

It works as root and as an ordinary user, inside Docker's default profile too. It needs Linux with
Landlock (5.13 or newer), libseccomp.so.2 and the packages sandlock and pyseccomp; where one is
missing a run answers `unavailable` with the remedy.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import sysconfig
import threading
from pathlib import Path

from tools.sandbox.client import BACKEND, Zygote
from tools.sandbox.protocol import Execution, Limits

LONGEST_CODE = 1 << 20
"""Characters of code one run takes."""

_SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/zero",
)


class LandlockSandbox:
    """One zygote process, started by the first run and replaced when it dies."""

    def __init__(self, parallel: int | None = None) -> None:
        """`parallel`: programs that run at once, default two a core (4 at least); others wait."""
        self._parallel = parallel or max(4, 2 * (os.cpu_count() or 1))
        self._zygote: Zygote | None = None
        self._lock = threading.Lock()

    async def run(self, code: str, limits: Limits) -> Execution:
        """Run `code` in a fork of the zygote. Cancelling kills the program."""
        if sys.platform != "linux":
            return _unavailable(f"this is {sys.platform}: run it under Linux 5.13 or newer")
        if len(code) > LONGEST_CODE:
            note = f"the code has {len(code)} characters: at most {LONGEST_CODE} are taken"
            return Execution("error", error=note, backend=BACKEND)
        return await asyncio.wrap_future(self._current().submit(code, limits))

    async def close(self) -> None:
        """End the zygote, its children and their files; the next run starts a new one."""
        await asyncio.to_thread(self.shut)

    def shut(self) -> None:
        """`close` for callers without an event loop."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
        atexit.unregister(self.shut)
        if zygote is not None and zygote.owner == os.getpid():
            zygote.close()

    def _current(self) -> Zygote:
        with self._lock:
            zygote = self._zygote
            # After a fork of this process the keeper thread is not here; the zygote is not ours.
            if zygote is None or zygote.ended or zygote.owner != os.getpid():
                zygote = self._zygote = Zygote(readable(), packages(), self._parallel)
                atexit.unregister(self.shut)
                atexit.register(self.shut)
            return zygote


def readable() -> tuple[str, ...]:
    """What a program may read: the interpreter's libraries, installed packages, the system's."""
    paths = sysconfig.get_paths()
    own = [paths[name] for name in ("stdlib", "purelib", "platlib")]
    own += [str(Path(prefix, "lib")) for prefix in (sys.prefix, sys.base_prefix)]
    return tuple(dict.fromkeys(path for path in (*own, *_SYSTEM) if Path(path).exists()))


def packages() -> tuple[str, ...]:
    """Where a program's imports are looked for besides the standard library."""
    paths = sysconfig.get_paths()
    return tuple(dict.fromkeys((paths["purelib"], paths["platlib"])))


def _unavailable(reason: str) -> Execution:
    return Execution("unavailable", error=f"the sandbox cannot start: {reason}", backend=BACKEND)

"""What all backends share: one warm zygote, which forks a child for every program."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import tempfile
import threading
from abc import ABC, abstractmethod

from tools.sandbox.client import Zygote
from tools.sandbox.inside.cage import Walls
from tools.sandbox.launch import MODULES, Launch, MissingError, Setup, packages
from tools.sandbox.protocol import Execution, Limits

LONGEST_CODE = 1 << 20
"""Characters of code one run takes."""


class WarmSandbox(ABC):
    """One zygote, started by the first run and replaced when it dies."""

    name: str
    remedy: str
    """What to do where this backend does not work."""

    def __init__(self, parallel: int | None = None) -> None:
        """`parallel`: programs that run at once, default two a core (4 at least); others wait."""
        self._parallel = parallel or max(4, 2 * (os.cpu_count() or 1))
        self._zygote: Zygote | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def _launch(self) -> Launch:
        """How to start a zygote; raises MissingError, OSError where that is impossible."""

    async def run(self, code: str, limits: Limits) -> Execution:
        """Run `code` in a fork of the zygote. Cancelling kills the program."""
        if sys.platform != "linux":
            return self._unavailable(f"this is {sys.platform}: {self.remedy}")
        if len(code) > LONGEST_CODE:
            note = f"the code has {len(code)} characters: at most {LONGEST_CODE} are taken"
            return Execution("error", error=note, backend=self.name)
        try:
            # Starting one reads and makes files: not on the event loop.
            living = self._living()
            zygote = await asyncio.to_thread(self._current) if living is None else living
        except (MissingError, OSError) as fault:
            return self._unavailable(str(fault))
        return await asyncio.wrap_future(zygote.submit(code, limits))

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

    def _living(self) -> Zygote | None:
        zygote = self._zygote
        # After a fork of this process the keeper thread is not here; the zygote is not ours.
        alive = zygote is not None and not zygote.ended and zygote.owner == os.getpid()
        return zygote if alive else None

    def _current(self) -> Zygote:
        with self._lock:
            zygote = self._living()
            if zygote is None:
                zygote = self._zygote = Zygote(self._launch())
                atexit.unregister(self.shut)
                atexit.register(self.shut)
        return zygote

    def _unavailable(self, reason: str) -> Execution:
        text = f"the sandbox cannot start: {reason}"
        return Execution("unavailable", error=text, backend=self.name)


def unboxed(sandbox: WarmSandbox, walls: Walls, readable: tuple[str, ...]) -> Launch:
    """A zygote in no container: its children build the walls themselves, if there are any."""
    folder = tempfile.mkdtemp(prefix=f"agentflow-{walls}-")
    setup = Setup(
        owner=os.getpid(),
        parent=os.getpid(),
        walls=walls,
        root=folder,
        readable=readable,
        packages=packages(),
        parallel=sandbox._parallel,
        remedy=sandbox.remedy,
    )
    return Launch(sandbox.name, (sys.executable,), str(MODULES), setup, folder)

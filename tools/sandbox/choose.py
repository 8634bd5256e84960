"""Which sandbox to use: `auto` takes the backend that works here, and fails closed.

    execution = await auto().run(code, Limits())

The first run of a process flies the canaries, once; unless each was held, that run and every later
one answer `unavailable` with what was wrong and the remedy. Nothing is ever run unguarded.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from functools import cache

from tools.sandbox.canaries import Report, probe
from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Execution, Limits, Sandbox


class Guarded:
    """A sandbox that runs programs in `backend` only after the canaries were held there."""

    def __init__(self, backend: Sandbox) -> None:
        """`backend` must be fresh: see `canaries.probe`."""
        self._backend = backend
        self._report: Future[Report] | None = None
        self._lock = threading.Lock()

    async def run(self, code: str, limits: Limits) -> Execution:
        """Run `code`, or say why nothing runs here."""
        report = await self.report()
        if not report.trusted:
            return Execution("unavailable", error=f"python code cannot run here: {report.reason}")
        return await self._backend.run(code, limits)

    async def close(self) -> None:
        """Close the backend; what the canaries found stays known."""
        await self._backend.close()

    async def report(self) -> Report:
        """What the canaries found; the first call of the process waits for them (0.2 s)."""
        probed = self._probed()
        if probed.done():
            return probed.result()
        # Shielded: a caller that gives up must not take the verdict from all others.
        return await asyncio.shield(asyncio.wrap_future(probed))

    def _probed(self) -> Future[Report]:
        with self._lock:
            if self._report is None:
                self._report = Future()
                self._report.set_running_or_notify_cancel()
                # A loop of its own: the caller's may be closed before the canaries are back.
                target = threading.Thread(target=self._probe, args=(self._report,), daemon=True)
                target.start()
            return self._report

    def _probe(self, report: Future[Report]) -> None:
        try:
            report.set_result(asyncio.run(probe(self._backend)))
        except Exception as fault:
            reason = f"the canaries failed ({type(fault).__name__}: {fault}): report this"
            report.set_result(Report(reason=reason))


@cache
def auto() -> Guarded:
    """The process's sandbox: `landlock`, the only backend so far, behind its canaries."""
    return Guarded(LandlockSandbox())

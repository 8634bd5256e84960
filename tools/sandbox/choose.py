"""Which sandbox to use: by name, or `auto`, which takes the first that holds and fails closed.

    execution = await get_sandbox("auto").run(code, Limits())

The first run flies the canaries against a backend; unless each was held, nothing is run there. An
escape counts for as long as the process lives. What could not be proven, for want of a descriptor
or a temporary folder, is tried again by later runs.

`auto` tries bubblewrap first: a program that got past the system call filter would still see no
process, no network and no file of this machine, and whatever it left ends with its namespace.
Landlock, as fast, follows: it holds where namespaces are denied, in most containers.
"""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Protocol

from tools.outcomes.outside import ShownError
from tools.sandbox.bubblewrap import BubblewrapSandbox
from tools.sandbox.canaries import Report, probe
from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Execution, Limits, Sandbox
from tools.sandbox.unsafe import UnsafeSandboxWarning, UnsafeSubprocess
from tools.sandbox.warm import WarmSandbox

SAFE: dict[str, Callable[[], WarmSandbox]] = {
    "bubblewrap": BubblewrapSandbox,
    "landlock": LandlockSandbox,
}
"""In the order in which `auto` tries them."""
AT_ONCE, LONGEST_PAUSE = 4, 60.0
"""Attempts after which a machine that lacks something is left alone for a while; seconds."""
NAMES = ("auto", *SAFE, UnsafeSubprocess.name)


class SandboxNameError(ShownError, ValueError):
    """No sandbox has this name; the message says which there are."""


class Backend(Sandbox, Protocol):
    """A sandbox that can be tried; `remedy` says what to do where it does not hold."""

    name: str
    remedy: str


class Guarded:
    """Runs programs in the first of `backends` where the canaries were held, else nowhere."""

    def __init__(self, *backends: Backend) -> None:
        """`backends` must be fresh: see `canaries.probe`."""
        self._backends = backends
        self._known: dict[str, Report] = {}
        """What will not change, by the backend's name."""
        self._chosen: Future[tuple[Backend | None, Report]] | None = None
        self._failed = 0
        self._again = 0.0
        self._lock = threading.Lock()

    async def run(self, code: str, limits: Limits) -> Execution:
        """Run `code`, or say why nothing runs here."""
        backend, report = await self._choice()
        if backend is None:
            return Execution("unavailable", error=f"python code cannot run here: {report.reason}")
        return await backend.run(code, limits)

    async def close(self) -> None:
        """Close the backends; what the canaries found stays known."""
        for backend in self._backends:
            await backend.close()

    async def report(self) -> Report:
        """What the canaries found where programs run, or why they run nowhere.

        The first call waits for the canaries: 0.5 s a backend.
        """
        return (await self._choice())[1]

    async def _choice(self) -> tuple[Backend | None, Report]:
        with self._lock:
            if self._chosen is None or self._worth_another():
                self._chosen = self._begin()
            chosen = self._chosen
        if chosen.done():
            return chosen.result()
        # Shielded: a caller that gives up must not take the verdict from all others.
        return await asyncio.shield(asyncio.wrap_future(chosen))

    def _worth_another(self) -> bool:
        """Whether what could not be proven is tried again: at once at first, then ever later."""
        if self._chosen is None or not self._chosen.done():
            return False
        report = self._chosen.result()[1]
        return not report.trusted and not self._settled() and time.monotonic() >= self._again

    def _settled(self) -> bool:
        return len(self._known) == len(self._backends)

    def _begin(self) -> Future[tuple[Backend | None, Report]]:
        chosen: Future[tuple[Backend | None, Report]] = Future()
        chosen.set_running_or_notify_cancel()
        # A loop of its own: the caller's may be closed before the canaries are back.
        thread = threading.Thread(target=self._choose, args=(chosen,), daemon=True)
        try:
            thread.start()
        except RuntimeError as fault:
            chosen.set_result((None, Report(reason=f"no thread to try it in ({fault})")))
        return chosen

    def _choose(self, chosen: Future[tuple[Backend | None, Report]]) -> None:
        try:
            found = asyncio.run(self._first())
        except Exception as fault:
            reason = f"the canaries failed ({type(fault).__name__}: {fault}): report this"
            found = None, Report(reason=reason)
        self._failed += not found[1].trusted
        self._again = time.monotonic() + min(LONGEST_PAUSE, 2 ** (self._failed - AT_ONCE) - 1)
        chosen.set_result(found)

    async def _first(self) -> tuple[Backend | None, Report]:
        reasons, report = [], Report(reason="no backend to try")
        for backend in self._backends:
            report = self._known.get(backend.name) or await probe(backend, backend.remedy)
            if report.trusted:
                return backend, replace(report, backend=backend.name)
            if report.final:
                self._known[backend.name] = report
            reasons.append(f"{backend.name}: {report.reason}")
            await backend.close()
        return None, replace(report, reason="; ".join(reasons))


@cache
def get_sandbox(name: str) -> Sandbox:
    """The sandbox of that name, one a process.

    `auto`, `bubblewrap` and `landlock` answer `unavailable`, with the remedy, where the canaries
    were not held. `unsafe-subprocess` runs everything and warns of that (UnsafeSandboxWarning).

    Raises:
        SandboxNameError: there is no such sandbox.
    """
    if name == "auto":
        return Guarded(*(backend() for backend in SAFE.values()))
    if name in SAFE:
        return Guarded(SAFE[name]())
    if name == UnsafeSubprocess.name:
        note = f"sandbox={name!r}: programs run with all rights of this user, walled in by nothing"
        warnings.warn(note, UnsafeSandboxWarning, stacklevel=2)
        return UnsafeSubprocess()
    close = get_close_matches(name, NAMES, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    raise SandboxNameError(f"sandbox={name!r} is unknown{guess} Use one of: {', '.join(NAMES)}")

"""Which sandbox to use: by name, or `auto`, which takes the first that holds and fails closed.

    execution = await get_sandbox("auto").run(code, Limits())

The first run flies the canaries against a backend, once a process; unless each was held, nothing
is ever run there. `auto` tries bubblewrap first: a program that got past the system call filter
would still see no process, no network and no file of this machine, and whatever it left ends with
its namespace. Landlock, as fast, follows: it holds where namespaces are denied, in most containers.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Protocol

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
NAMES = ("auto", *SAFE, UnsafeSubprocess.name)


class SandboxNameError(ValueError):
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
        self._chosen: Future[tuple[Backend | None, Report]] | None = None
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
            if self._chosen is None:
                self._chosen = Future()
                self._chosen.set_running_or_notify_cancel()
                # A loop of its own: the caller's may be closed before the canaries are back.
                target = threading.Thread(target=self._choose, args=(self._chosen,), daemon=True)
                target.start()
            chosen = self._chosen
        if chosen.done():
            return chosen.result()
        # Shielded: a caller that gives up must not take the verdict from all others.
        return await asyncio.shield(asyncio.wrap_future(chosen))

    def _choose(self, chosen: Future[tuple[Backend | None, Report]]) -> None:
        try:
            chosen.set_result(asyncio.run(self._first()))
        except Exception as fault:
            reason = f"the canaries failed ({type(fault).__name__}: {fault}): report this"
            chosen.set_result((None, Report(reason=reason)))

    async def _first(self) -> tuple[Backend | None, Report]:
        reasons, report = [], Report(reason="no backend to try")
        for backend in self._backends:
            report = await probe(backend, backend.remedy)
            if report.trusted:
                return backend, replace(report, backend=backend.name)
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

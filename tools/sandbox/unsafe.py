"""The `unsafe-subprocess` backend: a process with limits of its own and no wall around it.

A program reads and writes what the user may, uses the network and starts processes; the limit of
memory holds for each of them alone, and one that leaves its session outlives the run. For code
that you would run yourself, on a machine where nothing else works. Only its name chooses it; each
`Execution` carries that name, and so does each trace.
"""

from __future__ import annotations

from tools.sandbox.launch import Launch
from tools.sandbox.warm import WarmSandbox, unboxed


class UnsafeSandboxWarning(UserWarning):
    """Code from a model runs here with all rights of this user."""


class UnsafeSubprocess(WarmSandbox):
    """Wall clock, processor time, output and scratch files are bounded; nothing is denied."""

    name = "unsafe-subprocess"
    remedy = "use Linux 5.3 or newer"

    def _launch(self) -> Launch:
        return unboxed(self, "none", ())

"""The `unsafe-subprocess` backend: a process with limits of its own and no wall around it.

A program reads and writes what the user may, uses the network and starts processes; the limit of
memory holds for each of them alone, and one that leaves its session outlives the run. For code
that you would run yourself, on a machine where nothing else works. Only its name chooses it; each
`Execution` carries that name, and so does each trace.
"""

from __future__ import annotations

import os
import sys
import tempfile

from tools.sandbox.launch import MODULES, Launch, Setup, packages
from tools.sandbox.warm import WarmSandbox


class UnsafeSandboxWarning(UserWarning):
    """Code from a model runs here with all rights of this user."""


class UnsafeSubprocess(WarmSandbox):
    """Wall clock, processor time, output and scratch files are bounded; nothing is denied."""

    name = "unsafe-subprocess"
    remedy = "use Linux 5.3 or newer"

    def _launch(self) -> Launch:
        folder = tempfile.mkdtemp(prefix="agentflow-unsafe-")
        setup = Setup(
            owner=os.getpid(),
            parent=os.getpid(),
            walls="none",
            root=folder,
            readable=(),
            packages=packages(),
            parallel=self._parallel,
            remedy=self.remedy,
        )
        return Launch(self.name, (sys.executable,), str(MODULES), setup, folder)

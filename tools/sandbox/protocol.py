"""What a sandbox is: run a program under limits, give back what it did as plain data.

class Sandbox(Protocol):
    async def run(code, limits) -> Execution
    async def close()
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

ExecutionStatus = Literal["ok", "error", "timeout", "memory", "output_limit", "unavailable"]

LEAST_MEMORY = 192 << 20


@dataclass(frozen=True)
class Limits:
    """What one run may use. Reaching a limit ends the run; none is a promise of that much."""

    wall: float = 10.0
    """Seconds on the clock, counted from the start of the program."""
    cpu: float = 8.0
    """Seconds of processor time, rounded up to whole seconds."""
    memory: int = 1 << 30
    """Bytes of address space of the one process, all threads together; the interpreter with numpy
    and sympy loaded takes 130 MiB of it."""
    output: int = 64 << 10
    """Bytes of stdout, and of stderr; characters of the value."""
    files: int = 64 * 10**6
    """Bytes on disk in the scratch folder."""

    def __post_init__(self) -> None:
        """Refuse limits under which nothing runs.

        Raises:
            ValueError: a limit is not positive, or memory is below `LEAST_MEMORY`.
        """
        if min(self.wall, self.cpu, self.output, self.files) <= 0:
            raise ValueError(f"{self}: every limit must be above 0")
        if self.memory < LEAST_MEMORY:
            raise ValueError(f"{self}: Python needs memory of 192 MiB ({LEAST_MEMORY}) or more")


@dataclass(frozen=True)
class Execution:
    """What one run did. Everything in it is data from the sandbox: show it, never evaluate it."""

    status: ExecutionStatus
    stdout: str = ""
    stderr: str = ""
    value: str | None = None
    """`str()` of the last expression's value; None if there was none or it was None."""
    error: str = ""
    """One line: the traceback's last line, the limit that was hit, or why nothing ran and the
    remedy. Empty when the status is `ok`."""
    milliseconds: float = 0.0
    """From the start of the program to its end; waiting for a free place is not counted."""
    backend: str = ""
    ran: bool = True
    """False when the text is no Python program: it did not compile, so nothing of it ran."""


class Sandbox(Protocol):
    """A place that runs a program away from everything else. Safe to use from several loops."""

    async def run(self, code: str, limits: Limits) -> Execution:
        """Run `code` once. Raises nothing for what the code does; cancelling kills the program."""
        ...

    async def close(self) -> None:
        """End every process and remove every file of this sandbox."""
        ...

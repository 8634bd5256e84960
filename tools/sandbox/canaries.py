"""Programs that try to get out. A sandbox is used only if it held every one of them.

    report = await probe(sandbox)
    report.trusted, report.verdicts        # True, {"control": "held", "read": "held", ...}

The baits are real: a secret file, an environment variable, a TCP listener, a folder to write to,
all made for the probe. A canary counts as held only if its program ran and met the wall; one that
could not run, or ran out of time, proves nothing and counts against the sandbox.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.sandbox.protocol import Execution, Limits, Sandbox

Verdict = Literal["held", "escaped", "unproven"]

HELD, ESCAPED = "HELD", "ESCAPED"
LIMITS = Limits(wall=10.0, cpu=5.0, memory=256 << 20, output=4096, files=1_000_000)
_TOO_MUCH = 2 * LIMITS.memory

_ATTEMPT = """
try:
{attempt}
except OSError:
    print("HELD")
else:
    print("ESCAPED")
"""


@dataclass(frozen=True)
class Report:
    """What the canaries found, in the order they flew; `reason` is empty for a trusted sandbox."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    reason: str = ""
    backend: str = ""

    @property
    def trusted(self) -> bool:
        """Whether every canary was held."""
        return not self.reason

    @property
    def final(self) -> bool:
        """Whether to ask again would be in vain: all were held, or one escaped.

        What could not be proven may be for want of a descriptor, a process, a temporary folder.
        """
        return self.trusted or "escaped" in self.verdicts.values()


@dataclass(frozen=True)
class Bait:
    """What the programs reach for."""

    secret: Path
    variable: str
    port: int
    target: Path


@contextmanager
def laid_bait() -> Iterator[Bait]:
    """Put out the baits and take them away again.

    Raises:
        OSError, RuntimeError: no listener or no file can be made here (RuntimeError from tools
            that block sockets in tests).
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentflow-bait-")))
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        variable = f"AGENTFLOW_CANARY_{secrets.token_hex(4).upper()}"
        os.environ[variable] = "secret"
        stack.callback(os.environ.pop, variable)
        secret = folder / "secret"
        secret.write_text("secret")
        yield Bait(secret, variable, listener.getsockname()[1], folder / "written")


def programs(bait: Bait) -> dict[str, str]:
    """The canaries by name. Each prints HELD or ESCAPED; `memory` may die of its limit instead."""
    return {
        "read": _attempt(f"open({str(bait.secret)!r}).read()"),
        "environment": (
            f"import os\nprint('ESCAPED' if {bait.variable!r} in os.environ else 'HELD')"
        ),
        "network": _attempt(
            "import socket", f"socket.create_connection(('127.0.0.1', {bait.port}), 2)"
        ),
        "fork": _attempt("import os", "os.fork() or os._exit(0)"),
        "write": _attempt(f"open({str(bait.target)!r}, 'w').write('x')"),
        "memory": (
            f"try:\n    bytearray({_TOO_MUCH})\nexcept MemoryError:\n    print('HELD')\n"
            "else:\n    print('ESCAPED')"
        ),
    }


async def probe(sandbox: Sandbox, remedy: str) -> Report:
    """Fly every canary against `sandbox`; `remedy` is what to do if it does not hold them.

    It must not have run anything before: the planted environment variable has to be there when its
    processes start.
    """
    # Off the event loop: a server that refuses blocking calls on one refuses them on any.
    stack = ExitStack()
    try:
        bait = await asyncio.to_thread(stack.enter_context, laid_bait())
        try:
            return await _fly(sandbox, bait, remedy)
        finally:
            await asyncio.to_thread(stack.close)
    except (OSError, RuntimeError) as fault:
        return Report(
            reason=f"the canaries' baits cannot be laid ({fault}): allow a temporary "
            "folder and a listener on 127.0.0.1"
        )


async def _fly(sandbox: Sandbox, bait: Bait, remedy: str) -> Report:
    control = await sandbox.run(f"print('{HELD}')", LIMITS)
    if control.status != "ok" or control.stdout.strip() != HELD:
        reason = control.error or f"a program that prints one word ended with {control.status}"
        return Report({"control": "unproven"}, reason)
    verdicts: dict[str, Verdict] = {"control": "held"}
    for name, program in programs(bait).items():
        verdicts[name] = _judge(await sandbox.run(program, LIMITS))
    if await asyncio.to_thread(bait.target.exists):
        verdicts["write"] = "escaped"
    return Report(verdicts, _reason(verdicts, remedy))


def _judge(execution: Execution) -> Verdict:
    if ESCAPED in execution.stdout:
        return "escaped"
    held = execution.status == "memory" or execution.stdout.strip() == HELD
    return "held" if held else "unproven"


def _reason(verdicts: dict[str, Verdict], remedy: str) -> str:
    leaks = [f"{name} {verdict}" for name, verdict in verdicts.items() if verdict != "held"]
    if not leaks:
        return ""
    return f"the sandbox did not hold its canaries ({', '.join(leaks)}): {remedy}"


def _attempt(*lines: str) -> str:
    return _ATTEMPT.format(attempt="\n".join(f"    {line}" for line in lines))

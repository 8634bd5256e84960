"""Looking at the processes of a sandbox from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tools.sandbox.protocol import Limits
from tools.sandbox.warm import WarmSandbox

SLEEP = "import time; time.sleep(60)"


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def inmost(pid: int) -> int:
    """The supervisor: below `bwrap` and the init process of its namespace, where there are any."""
    while Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/bwrap"):
        (pid,) = children(pid)
    return pid


def forker(supervisor: int) -> int:
    """Its first child; others look after folders."""
    return children(supervisor)[0]


def programs(supervisor: int) -> list[int]:
    """What runs in its sandbox."""
    return children(forker(supervisor))


def processes_with(mark: bytes) -> list[int]:
    """Processes whose arguments contain `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a function to give something true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def started(sandbox: WarmSandbox) -> int:
    """The pid of the sandbox's supervisor."""
    assert (await sandbox.run("1", Limits())).status == "ok"
    assert sandbox._zygote is not None
    return inmost(sandbox._zygote.pid)


def scratch(sandbox: WarmSandbox) -> Path:
    """The folder on this machine that a sandbox uses; "/nowhere" if it uses none."""
    assert sandbox._zygote is not None
    return Path(sandbox._zygote.launch.folder or "/nowhere")

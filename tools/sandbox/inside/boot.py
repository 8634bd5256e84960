"""The sandbox's two processes from their first line to their last.

`main` is what the interpreter that `client` starts runs: `argv[1]` is a `launch.Setup` as JSON. It
forks the forker before it has heard a word, and goes on as the supervisor.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import signal
import socket
import sys
from importlib import import_module
from typing import Any, NoReturn

from tools.sandbox.inside import cage, child, syscalls, workdir
from tools.sandbox.inside.forker import Forker, tell
from tools.sandbox.inside.supervisor import Supervisor


def main() -> NoReturn:
    """Serve until stdin ends, or turn into a child and run its program."""
    setup = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent, which then ends us
    sys.path[:1] = []  # where this package lies; programs get the libraries only
    sys.path += setup["packages"]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor = os.getpid()
    forker = os.fork()
    if forker == 0:
        ours.close()
        task = _fork_until_told(theirs, setup, supervisor)
        del theirs
        if task is not None:
            child.run(task)
        os._exit(0)
    theirs.close()
    _supervise(ours, setup, forker)


def _supervise(channel: socket.socket, setup: dict[str, Any], forker: int) -> NoReturn:
    signal.signal(signal.SIGTERM, _hang_up)
    cage.die_with_parent(setup["parent"], signal.SIGTERM)
    if setup["walls"] == "mounts":
        cage.drop_capabilities()
    supervisor = Supervisor(channel, setup)
    try:
        supervisor.serve()
    except (BrokenPipeError, ConnectionError):  # our parent or the forker is gone
        pass
    finally:
        supervisor.kill_all()
        channel.close()
        os.waitpid(forker, 0)  # its children end with it
        if setup["walls"] != "mounts":
            workdir.wipe(setup["root"])
    os._exit(0)


def _fork_until_told(
    channel: socket.socket, setup: dict[str, Any], supervisor: int
) -> child.Task | None:
    cage.die_with_parent(supervisor)
    for target, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY)):
        null = os.open(os.devnull, flags)
        os.dup2(null, target)
        os.close(null)
    forker = _ready(channel, setup)
    gc.freeze()  # children share the pages they never change
    return forker.serve()


def _hang_up(*_: object) -> None:
    """End of stdin, on SIGTERM: an exception could strike in the middle of the cleaning up."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _ready(channel: socket.socket, setup: dict[str, Any]) -> Forker:
    walls = setup["walls"]
    try:
        rules = None if walls == "none" else syscalls.build_filter(walls == "mounts")
        forker = Forker(channel, setup, rules)
        os.close(os.pidfd_open(os.getpid()))
        if walls == "landlock":
            workdir.written(os.getpid())
        tell(channel, {"hello": _landlock_version() if walls == "landlock" else 0})
    except Exception as fault:
        advice = remedy(fault, setup["remedy"])
        tell(channel, {"fault": f"{type(fault).__name__}: {fault}", "remedy": advice})
        os._exit(1)
    _preload(channel, setup["preload"])
    return forker


def _preload(channel: socket.socket, modules: list[str]) -> None:
    for module in modules:
        try:
            import_module(module)
        except ImportError:
            continue  # the program that imports it reads the same error
        finally:
            tell(channel, {"beat": True})
    tell(channel, {"ready": True})


def remedy(fault: Exception, backend: str) -> str:
    """What to do about a sandbox that cannot start; `backend` is the backend's own advice."""
    if isinstance(fault, ImportError):
        return "pip install sandlock pyseccomp"
    if isinstance(fault, RuntimeError):
        return "apt install libseccomp2"
    return f"this kernel ({platform.release()}) lacks something: {backend}"


def _landlock_version() -> int:
    version: int = import_module("sandlock").landlock_abi_version()
    if version < 1:
        raise OSError(f"Landlock ABI {version}")
    return version

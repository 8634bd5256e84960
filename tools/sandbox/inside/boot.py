"""The zygote process from its first line to its last: arranged, made ready, served, cleaned up.

`main` is what the interpreter that `client` starts runs: `argv[1]` is a `launch.Setup` as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

from tools.sandbox.inside import cage, child, syscalls, workdir
from tools.sandbox.inside.zygote import Zygote, say


def main() -> NoReturn:
    """Serve until stdin ends, or turn into a child and run its program."""
    setup = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, _hang_up)
    cage.die_with_parent(setup["parent"], signal.SIGTERM)
    sys.path[:1] = []  # where this package lies; programs get the libraries only
    sys.path += setup["packages"]
    zygote = _ready(setup)
    pid = os.getpid()
    gc.freeze()  # children share the pages they never change
    try:
        task = zygote.serve()
    finally:
        if os.getpid() == pid:
            zygote.kill_all()
            if setup["walls"] != "mounts":
                workdir.wipe(setup["root"])
    del zygote
    if task is not None:
        child.run(task)
    os._exit(0)


def _hang_up(*_: object) -> None:
    """End of stdin, on SIGTERM: an exception could strike in the middle of the cleaning up."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _ready(setup: dict[str, Any]) -> Zygote:
    try:
        walls = setup["walls"]
        rules = None if walls == "none" else syscalls.build_filter()
        zygote = Zygote(setup, rules)
        os.close(os.pidfd_open(os.getpid()))
        say({"hello": _landlock_version() if walls == "landlock" else 0})
    except Exception as fault:
        advice = remedy(fault, setup["remedy"])
        say({"fault": f"{type(fault).__name__}: {fault}", "remedy": advice})
        os._exit(1)
    _preload(setup["preload"])
    return zygote


def _preload(modules: list[str]) -> None:
    for module in modules:
        try:
            import_module(module)
        except ImportError:
            continue  # the program that imports it reads the same error
        say({"beat": True})


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

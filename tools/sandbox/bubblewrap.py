"""The `bubblewrap` backend: a world of its own, made by `bwrap`, with both processes inside.

    execution = await BubblewrapSandbox().run("print(1)", Limits())

New user, pid, network, IPC, host name and mount namespaces: the interpreter's libraries are there,
read-only, and nothing else of this machine; no /proc, no /tmp, no other process. Each child then
mounts a scratch folder in memory over `SCRATCH` (at most `Limits.files` bytes, in addition to
`Limits.memory`), drops the one capability that took, and loads the same seccomp filter and rlimits
as under Landlock. When `bwrap` or this process dies, the kernel ends everything in the namespace.
It needs `bwrap` (0.5 or newer) and leave to make namespaces. Source: bwrap(1).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools.sandbox.launch import MODULES, PACKAGE, Launch, MissingError, Setup, packages, readable
from tools.sandbox.warm import WarmSandbox

SCRATCH = "/scratch"
_INSIDE = "/agentflow"
_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
    *("--unshare-cgroup-try", "--hostname", "sandbox", "--new-session", "--die-with-parent"),
    # Of the new namespace only, and of the forker only: its children mount their scratch folders.
    *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"),
)
_REAPER = 1
"""The supervisor's parent in its pid namespace: bwrap's own init, which passes on the end."""


class BubblewrapSandbox(WarmSandbox):
    """One `bwrap` process, one supervisor and one forker in it."""

    name = "bubblewrap"
    remedy = (
        "let this user make namespaces: `sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu "
        "24.04 also `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in a container "
        "`--security-opt seccomp=unconfined` (`--cap-add SYS_ADMIN` with AppArmor); or use the "
        "landlock backend"
    )

    def _launch(self) -> Launch:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise MissingError("bwrap is not on the PATH: apt install bubblewrap")
        python = os.path.realpath(sys.executable)
        setup = Setup(
            owner=os.getpid(),
            parent=_REAPER,
            walls="mounts",
            root=SCRATCH,
            readable=(),
            packages=packages(),
            parallel=self._parallel,
            remedy=self.remedy,
        )
        command = (bwrap, *_NAMESPACES, *_mounts(python), "--", python)
        return Launch(self.name, command, _INSIDE, setup)


def _mounts(python: str) -> tuple[str, ...]:
    words = []
    for path in (*readable(), python):
        words += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    words += ["--dev-bind", os.devnull, os.devnull]
    for part in (PACKAGE / "__init__.py", PACKAGE / "sandbox"):
        words += ["--ro-bind", str(part), f"{_INSIDE}/{part.relative_to(MODULES)}"]
    words += ["--ro-bind", _ldconfig(), "/sbin/ldconfig"]
    # The root is a tmpfs that bwrap leaves writable: programs would leave messages there.
    return (*words, "--dir", SCRATCH, "--remount-ro", "/", "--chdir", "/")


def _ldconfig() -> str:
    """What pyseccomp asks where libseccomp is; Ubuntu has a shell script before the program."""
    found = [path for path in ("/sbin/ldconfig.real", "/sbin/ldconfig") if Path(path).exists()]
    if not found:
        raise MissingError("there is no /sbin/ldconfig: apt install libc-bin")
    return found[0]

"""The walls: applied by a child to itself before it runs any code, and irreversible.

Which files a program may open is decided by Landlock, or by mounts where the zygote lives in
namespaces of its own; which system calls exist by seccomp (`syscalls`); how much of each resource
there is by rlimits. Sources: landlock(7), mount_namespaces(7), capabilities(7), setrlimit(2).

Memory: RLIMIT_AS bounds the address space of one process, and all its threads share that one. No
program can start a second process, so the bound holds for everything a run consists of.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import resource
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

Walls = Literal["landlock", "mounts", "none"]
"""What keeps a program from other files. With `none` there is no seccomp filter either."""

MOST_ENTRIES = 5_000
"""Files and folders that a scratch folder may hold."""

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_INSTRUCTION = 8
"""Bytes of one instruction of a filter."""
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV = 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Cage:
    """The walls of one run; `memory`, `files` in bytes, `cpu` in seconds."""

    walls: Walls
    readable: tuple[str, ...]
    workdir: str
    memory: int
    cpu: float
    files: int


def die_with_parent(parent: int, signal: int = _SIGKILL) -> None:
    """Have the kernel send `signal` to this process when the thread that made it ends.

    Raises:
        OSError: the parent is gone already, or the kernel refuses.
    """
    _called(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the parent process ended")


def lock(cage: Cage, rules: bytes | None) -> None:
    """Put the calling process in `cage`, for good. `rules` is what `syscalls.build_filter` gave.

    Raises:
        OSError, Exception: one of the walls could not be put up; the caller must not go on.
    """
    _set_limits(cage)
    if rules is None:
        return
    if cage.walls == "landlock":
        _confine_files(cage)
    else:
        _mount_scratch(cage)
    drop_capabilities()
    _filter_calls(rules)


def _set_limits(cage: Cage) -> None:
    cpu = math.ceil(cage.cpu)
    for which, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_AS, cage.memory, cage.memory),
        (resource.RLIMIT_FSIZE, cage.files, cage.files),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ):
        resource.setrlimit(which, (soft, hard))


def drop_capabilities() -> None:
    """Give up what root may do here, but for reading files of other owners, which Landlock bounds.

    Without that a root container could not read a virtual environment in somebody's home.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()
    _called(_libc.capget(header, held), "capget")
    kept = held[1] & _CAP_DAC_READ_SEARCH
    _called(_libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)), "capset")


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter_calls(rules: bytes) -> None:
    program = _Program(len(rules) // _INSTRUCTION, rules)
    _called(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    done = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    _called(done, "prctl(PR_SET_SECCOMP)")


def _confine_files(cage: Cage) -> None:
    sandlock = import_module("sandlock")
    policy = sandlock.Sandbox(
        fs_readable=list(cage.readable),
        fs_writable=[cage.workdir, "/dev/null"],
        # What an older kernel's Landlock lacks (moves between folders, truncation, TCP, devices,
        # signals, abstract sockets) is denied by the filter or has no path to be reached by.
        allow_degraded=list(sandlock.Protection),
    )
    sandlock.confine(policy)


def _mount_scratch(cage: Cage) -> None:
    """A scratch folder in memory that no other program sees and that ends with this one.

    All else in this world is mounted read-only already. `size` and `nr_inodes` are the kernel's
    own bounds: writing more is refused with "No space left on device".
    """
    _called(_libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    bounds = f"size={cage.files},nr_inodes={MOST_ENTRIES},mode=700".encode()
    flags = _MS_NOSUID | _MS_NODEV
    folder = os.fsencode(cage.workdir)
    _called(_libc.mount(b"tmpfs", folder, b"tmpfs", flags, bounds), f"mount({cage.workdir})")


def _called(result: int, call: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), call)

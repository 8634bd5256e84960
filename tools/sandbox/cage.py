"""The walls: applied by a child to itself before it runs any code, and irreversible.

Landlock decides which files may be opened, seccomp which system calls exist, rlimits how much of
each resource there is. Landlock does not see chmod, chown, xattrs or times, nor (before ABI 3)
truncation, so seccomp forbids those. Sources: landlock(7), seccomp(2), capabilities(7); the table
of calls starts from what moby's default profile withholds.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import resource
from dataclasses import dataclass
from importlib import import_module
from typing import Any

REMEDY = (
    "use Linux 5.13 or newer with `landlock` in the boot option lsm=, and in a container a seccomp "
    "profile that allows landlock_*, seccomp, capset and pidfd_open (Docker's default does)"
)

_FORBIDDEN = """
    socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg
    fork vfork execve execveat
    kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
    setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr sched_setaffinity
    move_pages migrate_pages
    unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount
    fspick mount_setattr
    open_by_handle_at name_to_handle_at memfd_create memfd_secret userfaultfd fanotify_init
    truncate chmod fchmod fchmodat chown fchown lchown fchownat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    utime utimes utimensat futimesat mknod mknodat
    shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
    mq_open mq_unlink
    bpf perf_event_open io_uring_setup io_uring_enter io_uring_register seccomp
    keyctl add_key request_key
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
    syslog quotactl quotactl_fd acct personality iopl ioperm modify_ldt vhangup
    sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex lookup_dcookie
"""
# Younger than the libseccomp of common systems, so by number (the same on every architecture):
# fchmodat2, setxattrat, removexattrat, open_tree_attr, file_setattr.
_FORBIDDEN_BY_NUMBER = (452, 463, 466, 467, 469)

_CLONE_THREAD = 0x00010000
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Cage:
    """The walls of one run; `memory`, `files` in bytes, `cpu` in seconds."""

    readable: tuple[str, ...]
    workdir: str
    memory: int
    cpu: float
    files: int


def build_filter() -> Any:
    """The seccomp filter, built once and loaded in every child. Denied calls give EPERM."""
    seccomp = import_module("pyseccomp")
    denied, missing = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for call in (*_FORBIDDEN.split(), *_FORBIDDEN_BY_NUMBER):
        rules.add_rule(denied, call)
    # The flags of these two lie behind pointers where no filter can look. ENOSYS makes libc fall
    # back to `clone` and `openat`, whose flags are arguments.
    rules.add_rule(missing, "clone3")
    rules.add_rule(missing, "openat2")
    rules.add_rule(denied, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD, 0))
    # Before ABI 3 Landlock lets a read-only open truncate.
    mask = os.O_ACCMODE | os.O_TRUNC
    rules.add_rule(denied, "open", seccomp.Arg(1, seccomp.MASKED_EQ, mask, os.O_TRUNC))
    rules.add_rule(denied, "openat", seccomp.Arg(2, seccomp.MASKED_EQ, mask, os.O_TRUNC))
    # Nobody else's limits, and no outliving the zygote.
    rules.add_rule(denied, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    rules.add_rule(denied, "prctl", seccomp.Arg(0, seccomp.EQ, _PR_SET_PDEATHSIG))
    return rules


def die_with_parent(parent: int, signal: int = _SIGKILL) -> None:
    """Have the kernel send `signal` to this process when the thread that made it ends.

    Raises:
        OSError: the parent is gone already, or the kernel refuses.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise OSError(errno.ESRCH, "the parent process ended")


def lock(cage: Cage, rules: Any) -> None:
    """Put the calling process in `cage`, for good. `rules` is what `build_filter` gave.

    Raises:
        OSError, Exception: one of the walls could not be put up; the caller must not go on.
    """
    _set_limits(cage)
    _drop_capabilities()
    _confine_files(cage)
    rules.load()


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


def _drop_capabilities() -> None:
    """Root keeps one capability, reading files of other owners, which Landlock then bounds.

    Without it a root container could not read a virtual environment in somebody's home.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()
    if _libc.capget(header, held) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    kept = held[1] & _CAP_DAC_READ_SEARCH
    if _libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


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

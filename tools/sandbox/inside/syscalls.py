"""The system calls that a program in the sandbox can make: one seccomp filter, an allow-list.

Landlock does not see chmod, xattrs, leases, watches or signals; mounts and namespaces do not see
locks on files that the host has too. So only what a calculation needs is there: its own memory,
threads, clocks, files and pipes. What takes commands (fcntl, ioctl, prctl) takes a few of them.
Refused calls give EPERM. Sources: seccomp(2), landlock(7), fcntl(2), ioctl_list(2), prctl(2).
"""

from __future__ import annotations

import errno
import os
from importlib import import_module
from typing import Any

_ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile
    copy_file_range close close_range dup dup2 dup3 pipe pipe2 poll ppoll select pselect6
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
    stat fstat lstat newfstatat fstatat64 statx statfs fstatfs access faccessat faccessat2
    getcwd chdir fchdir getdents getdents64 readlink readlinkat umask fadvise64 readahead
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
    creat ftruncate fsync fdatasync getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    mprotect munmap mremap brk madvise msync mincore
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait
    sigaltstack signalfd signalfd4 restart_syscall pause
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times alarm
    getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    timerfd_create timerfd_settime timerfd_gettime
    getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups
    getpgrp getpgid getsid getpriority getrlimit setrlimit getrusage sysinfo uname getcpu
    getrandom arch_prctl
    sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_rr_get_interval
    sched_get_priority_max sched_get_priority_min
    exit exit_group wait4 waitid set_tid_address set_robust_list get_robust_list futex
    futex_waitv rseq
    recvfrom shutdown getsockname getpeername getsockopt
"""
_ABSENT = ("clone3", "openat2")
"""ENOSYS makes libc fall back to `clone` and `openat`, whose flags a filter can read."""
_ABSENT_BY_NUMBER = (435, 437)
"""The same: libraries older than these calls do not know the names."""

_COMMANDS = {
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC,
    # F_GETPIPE_SZ, F_GET_SEALS. Not: owners and numbers of signals, leases, watches of folders.
    "fcntl": (0, 1, 2, 3, 5, 6, 7, 1030, 1032, 1034),
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Not: FIOASYNC, clones of files.
    "ioctl": (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
}
# PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS, PR_SET_VMA.
_PRCTL = (3, 15, 16, 23, 39, 0x53564D41)

_F_SETFL = 4
_O_ASYNC = 0o20000
_AF_UNIX, _SOCK_STREAM, _SOCK_FLAGS = 1, 1, 0o2004000
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020080
_MAP_TYPE, _MAP_PRIVATE, _MAP_ANONYMOUS = 0x0F, 0x02, 0x20
_O_TMPFILE = 0o20200000
_OPTIMIZE = 8
"""SCMP_FLTATR_CTL_OPTIMIZE: 2 is a binary tree, in libseccomp 2.5 and newer."""


def build_filter(shared_files: bool) -> bytes:
    """The filter as instructions for the kernel, 8 bytes each.

    Args:
        shared_files: whether files may be mapped so that stores reach them. What is written so is
            counted nowhere but by the size of a mounted scratch folder.

    Raises:
        ImportError, RuntimeError: pyseccomp or libseccomp is not there.
    """
    seccomp = import_module("pyseccomp")
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    if seccomp.get_api() >= 4:
        rules.set_attr(_OPTIMIZE, 2)
    for number in {*filter(None, map(_number, _ABSENT)), *_ABSENT_BY_NUMBER}:
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), number)
    for name in _ALLOWED.split():
        _allow(rules, name)
    for name, commands in _COMMANDS.items():
        for command in commands:
            _allow(rules, name, seccomp.Arg(1, seccomp.EQ, command))
    for command in _PRCTL:
        _allow(rules, "prctl", seccomp.Arg(0, seccomp.EQ, command))
    _allow_by_argument(rules, seccomp, shared_files)
    return _exported(rules)


def _allow_by_argument(rules: Any, seccomp: Any, shared_files: bool) -> None:
    def masked(argument: int, mask: int, value: int) -> Any:
        return seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value)

    # No signal when a descriptor is ready: its number and its target would be the program's.
    _allow(rules, "fcntl", seccomp.Arg(1, seccomp.EQ, _F_SETFL), masked(2, _O_ASYNC, 0))
    # Threads, not processes, and none in another namespace.
    _allow(rules, "clone", masked(0, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD))
    # Nobody else's limits.
    _allow(rules, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0))
    # Before ABI 3 Landlock lets a read-only open truncate.
    for name, flags in (("open", 1), ("openat", 2)):
        _allow(rules, name, masked(flags, os.O_ACCMODE | os.O_TRUNC, os.O_RDONLY))
        for mode in (os.O_WRONLY, os.O_RDWR):
            _allow(rules, name, masked(flags, os.O_ACCMODE, mode))
    # A pair within the process, which asyncio's loop wakes itself by; it reaches no other address.
    kind = ~_SOCK_FLAGS & 0xFFFFFFFF
    _allow(
        rules,
        "socketpair",
        seccomp.Arg(0, seccomp.EQ, _AF_UNIX),
        masked(1, kind, _SOCK_STREAM),
    )
    _allow(rules, "sendto", seccomp.Arg(4, seccomp.EQ, 0))
    if shared_files:
        _allow(rules, "mmap")
    else:
        _allow(rules, "mmap", masked(3, _MAP_TYPE, _MAP_PRIVATE))
        _allow(rules, "mmap", masked(3, _MAP_ANONYMOUS, _MAP_ANONYMOUS))


def _allow(rules: Any, name: str, *arguments: Any) -> None:
    """Allow a call; one that this machine or its libseccomp does not have stays refused."""
    number = _number(name)
    if number is not None:
        rules.add_rule(import_module("pyseccomp").ALLOW, number, *arguments)


def _number(name: str) -> int | None:
    seccomp = import_module("pyseccomp")
    number: int = seccomp.resolve_syscall(seccomp.system_arch(), name)
    return number if number >= 0 else None


def _exported(rules: Any) -> bytes:
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()

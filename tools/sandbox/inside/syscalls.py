"""The system calls that a program in the sandbox cannot make: one seccomp filter for every backend.

Landlock does not see chmod, chown, xattrs or times, nor (before ABI 3) truncation; mounts and
namespaces do not see signals within one of them or resource limits. So the filter forbids those,
and with them processes, sockets and whatever else gives a program more than a calculation needs.
Sources: seccomp(2), landlock(7); the table starts from what moby's default profile withholds.
"""

from __future__ import annotations

import errno
import os
from importlib import import_module
from typing import Any

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

"""The scratch folder of one run: kept small while the program runs, removed whatever it made there.

Programs are hostile: they nest folders beyond the longest path a kernel accepts, make folders that
nobody may read, and unlink what they hold open. So bytes are counted where they are written and
not where they lie, nothing here recurses, and no path grows. A folder with anything in it has a
process of its own that looks after it: however much there is, nobody else waits for that.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections import deque

from tools.sandbox.inside import cage
from tools.sandbox.inside.cage import MOST_ENTRIES

_LOOK = 0.05
_REST = 10
"""A look is followed by so many times its own time without one."""
_CROWDED = 3
"""Exit code of a keeper that ended its program."""


def written(pid: int) -> int:
    """Bytes that a process and its threads have written, to whatever; 0 if it is gone.

    Source: proc_pid_io(5), wchar. It sees files that are unlinked and still held open.

    Raises:
        PermissionError: it is ending, or not ours to look at.
        OSError: this kernel does not count.
    """
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            fields = dict(line.split(b": ") for line in file.read().splitlines())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[b"wchar"])


def empty(root: str) -> bool:
    """Whether nothing is in the folder; one that cannot be read has something to hide."""
    try:
        with os.scandir(root) as found:
            return next(found, None) is None
    except PermissionError:
        return False


def clear(root: str) -> Keeper | None:
    """Remove the folder of a program that has ended; a keeper, if that may take its time."""
    try:
        os.rmdir(root)
    except OSError:
        try:
            return Keeper(root)
        except OSError:  # no process to be had: the others wait
            wipe(root)
    return None


class Keeper:
    """A process that watches a folder until its program ends, and then removes it."""

    def __init__(self, root: str, program: int | None = None) -> None:
        """`program`: pidfd of the program; None: it has ended."""
        self._pid = os.fork()
        if self._pid == 0:
            _keep(root, program)
        self.process = os.pidfd_open(self._pid)
        self.crowded = False
        self._gone = False

    def gone(self) -> bool:
        """Whether it has done its work; `crowded` is known then."""
        if not self._gone:
            pid, state = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._gone = True
                self.crowded = os.waitstatus_to_exitcode(state) == _CROWDED
                os.close(self.process)
        return self._gone

    def kill(self) -> None:
        """End it wherever it is."""
        if not self.gone():
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            os.close(self.process)
            self._gone = True


def _keep(root: str, program: int | None) -> None:
    code = 1
    try:
        cage.die_with_parent(os.getppid())
        os.nice(5)
        # Nothing of the supervisor's stays open here: its pipes end when it does.
        own = -1 if program is None else os.dup2(program, 3)
        os.closerange(0, 2)
        os.closerange(3 if program is None else 4, 1 << 16)
        crowded = program is not None and _watch(root, own)
        wipe(root)
        code = _CROWDED if crowded else 0
    except OSError as fault:
        print(f"cannot remove {root}: {fault}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _watch(root: str, program: int) -> bool:
    """Wait for the program's end; True if it made too many entries and was ended for that."""
    poll = select.poll()
    poll.register(program, select.POLLIN)
    pause, ended = _LOOK, False
    while not poll.poll(1000 * pause):
        began = time.monotonic()
        if not ended and crowded(root):
            ended = True
            signal.pidfd_send_signal(program, signal.SIGKILL)
        pause = max(_LOOK, _REST * (time.monotonic() - began))
    return ended


def crowded(root: str) -> bool:
    """Whether there are more than `MOST_ENTRIES` files and folders below `root`.

    A folder that cannot be read counts as too many; one that vanishes meanwhile does not.
    """
    entries = 0
    folders = deque([root])
    while folders:
        try:
            with os.scandir(folders.popleft()) as found:
                for entry in found:
                    entries += 1
                    if entries > MOST_ENTRIES:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False


def wipe(root: str) -> None:
    """Remove `root` and everything below it; symbolic links are removed, never followed.

    Folders that are not empty have their contents moved up into `root` first, so any depth works.
    A folder that does not exist is no error.

    Raises:
        OSError: the file system refuses (read-only, or owned by somebody else).
    """
    if not os.path.isdir(root):
        return
    moved, prefix = 0, os.urandom(6).hex()
    while entries := _entries(root):
        for name, is_folder in entries:
            path = os.path.join(root, name)
            if not is_folder:
                os.unlink(path)
                continue
            for inner, is_inner_folder in _entries(path):
                moved += 1
                source = os.path.join(path, inner)
                if is_inner_folder:
                    os.chmod(source, 0o700)  # moving a folder rewrites its "..": it must be ours
                os.rename(source, os.path.join(root, f"{prefix}-{moved}"))
            os.rmdir(path)
    os.rmdir(root)


def _entries(folder: str) -> list[tuple[str, bool]]:
    os.chmod(folder, 0o700)
    with os.scandir(folder) as found:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]

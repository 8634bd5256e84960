"""The scratch folder of one run: measured while the program runs, removed whatever it made there.

Programs are hostile: they nest folders beyond the longest path a kernel accepts and make folders
that nobody may read. So nothing here recurses, and no path grows.
"""

from __future__ import annotations

import os
from collections import deque

MOST_ENTRIES = 5_000


def exceeds(root: str, limit: int) -> bool:
    """Whether files below `root` take more than `limit` bytes on disk, or are too many to count.

    A folder that cannot be read counts as too many; one that vanishes meanwhile does not.
    """
    total = entries = 0
    folders = deque([root])
    while folders:
        try:
            with os.scandir(folders.popleft()) as found:
                for entry in found:
                    entries += 1
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    if total > limit or entries > MOST_ENTRIES:
                        return True
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

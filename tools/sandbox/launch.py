"""How a backend starts its zygote, and which files of this machine programs need to see."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.sandbox.inside.cage import Walls

MODULES = Path(__file__).parents[__name__.count(".")]
"""The folder in which the zygote finds this package; in a wheel `tools` has a parent."""

PACKAGE = Path(__file__).parents[1]
"""Of `tools` itself."""

PRELOADED = ("numpy", "sympy")
"""Imported once by the zygote, so that no program waits for them; absent ones are passed over."""

_SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/zero",
)


class MissingError(RuntimeError):
    """A backend lacks something on this machine; the message says what, and the remedy."""


@dataclass(frozen=True)
class Setup:
    """What the zygote gets to know, as JSON in its arguments.

    `owner` is our pid; `parent` the supervisor's parent as it sees it; `root` an existing folder
    for scratch folders; the rest as in `cage.Cage` and `warm.WarmSandbox`.
    """

    owner: int
    parent: int
    walls: Walls
    root: str
    readable: tuple[str, ...]
    packages: tuple[str, ...]
    parallel: int
    remedy: str
    preload: tuple[str, ...] = PRELOADED

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Launch:
    """One start: `command` is everything up to the interpreter, which finds PACKAGE in `modules`.

    `folder` is made for this zygote alone and removed after it; None if it needs none.
    """

    backend: str
    command: tuple[str, ...]
    modules: str
    setup: Setup
    folder: str | None = None


def readable() -> tuple[str, ...]:
    """What a program may read: the interpreter's libraries, installed packages, the system's."""
    paths = sysconfig.get_paths()
    own = [paths[name] for name in ("stdlib", "purelib", "platlib")]
    own += [str(Path(prefix, "lib")) for prefix in (sys.prefix, sys.base_prefix)]
    return tuple(dict.fromkeys(path for path in (*own, *_SYSTEM) if Path(path).exists()))


def packages() -> tuple[str, ...]:
    """Where a program's imports are looked for besides the standard library."""
    paths = sysconfig.get_paths()
    return tuple(dict.fromkeys((paths["purelib"], paths["platlib"])))

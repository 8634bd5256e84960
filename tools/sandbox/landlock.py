"""The `landlock` backend: Landlock, seccomp and rlimits; no root, no namespaces, no container.

    execution = await LandlockSandbox().run("print(1)", Limits())

It works as root and as an ordinary user, inside Docker's default profile too. It needs Linux with
Landlock (5.13 or newer), libseccomp.so.2 and the packages sandlock and pyseccomp; where one is
missing a run answers `unavailable` with the remedy. Programs cannot open other files, but they can
tell which exist: Landlock leaves `stat` alone.
"""

from __future__ import annotations

from tools.sandbox.launch import Launch, readable
from tools.sandbox.warm import WarmSandbox, unboxed


class LandlockSandbox(WarmSandbox):
    """Children lock themselves in their scratch folders; those that run them are not confined."""

    name = "landlock"
    remedy = (
        "use Linux 5.13 or newer with `landlock` in the boot option lsm=, and in a container a "
        "seccomp profile that allows landlock_*, seccomp, capset and pidfd_open (Docker's default "
        "does)"
    )

    def _launch(self) -> Launch:
        return unboxed(self, "landlock", readable())

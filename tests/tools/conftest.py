"""A sandbox for all tests of the folder; tests that take it are skipped without Landlock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tools.sandbox.landlock import LandlockSandbox
from tools.sandbox.protocol import Limits


def landlock_version() -> int:
    import sandlock

    try:
        return int(sandlock.landlock_abi_version())
    except Exception:
        return 0


@pytest.fixture(scope="session")
def landlock() -> None:
    if landlock_version() < 1:
        pytest.skip("this kernel offers no Landlock")


@pytest.fixture(scope="session")
async def sandbox(landlock: None) -> AsyncIterator[LandlockSandbox]:
    shared = LandlockSandbox()
    yield shared
    await shared.close()


@pytest.fixture
async def fresh(landlock: None) -> AsyncIterator[LandlockSandbox]:
    """A sandbox of the test's own, to be broken."""
    own = LandlockSandbox()
    yield own
    await own.close()


@pytest.fixture
def small() -> Limits:
    return Limits(wall=5.0, cpu=3.0, memory=256 << 20, output=4096, files=2_000_000)

"""Sandboxes for all tests of the folder, of every backend that runs here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache

import pytest

from tools.base import run_blocking
from tools.sandbox.choose import SAFE
from tools.sandbox.protocol import Limits
from tools.sandbox.warm import WarmSandbox


@cache
def obstacle(backend: str) -> str:
    """Why a backend cannot run here; empty if it can."""
    sandbox = SAFE[backend]()
    execution = run_blocking(sandbox.run("1", Limits()))
    sandbox.shut()
    return execution.error


def need(backend: str) -> str:
    if reason := obstacle(backend):
        pytest.skip(f"no {backend} here: {reason}")
    return backend


@pytest.fixture(scope="session", params=list(SAFE))
def backend(request: pytest.FixtureRequest) -> str:
    """The name of each backend that runs here."""
    return need(request.param)


@pytest.fixture(scope="session")
def landlock() -> None:
    need("landlock")


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    need("bubblewrap")


@pytest.fixture(scope="session")
async def sandbox(backend: str) -> AsyncIterator[WarmSandbox]:
    shared = SAFE[backend]()
    yield shared
    await shared.close()


@pytest.fixture
async def fresh(backend: str) -> AsyncIterator[WarmSandbox]:
    """A sandbox of the test's own, to be broken."""
    own = SAFE[backend]()
    yield own
    await own.close()


@pytest.fixture
def small() -> Limits:
    return Limits(wall=5.0, cpu=3.0, memory=256 << 20, output=4096, files=2_000_000)

"""What is released, built once for all tests of it."""

from __future__ import annotations

import pytest
from shipped import Release, build


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """As `python -m build` makes it of this tree."""
    return build(tmp_path_factory.mktemp("release"))

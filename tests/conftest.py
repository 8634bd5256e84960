"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from together import made_once

# The cores are shared: how long one example takes says nothing.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The key that marks runs is the tests' own, in programs that they start too."""
    with pytest.MonkeyPatch.context() as patch:
        folder = made_once(tmp_path_factory, "state", lambda _: None)
        patch.setenv("AGENTFLOW_STATE", str(folder))
        yield

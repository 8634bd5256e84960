"""What the viewer costs is measured on a record that it shows whole."""

from __future__ import annotations

import pytest

from benchmarks.costs.viewer import TARGET_WEIGHT, measure


@pytest.mark.integration
def test_a_small_record_is_measured() -> None:
    found = measure(130, 3)
    assert found["runs"] == 130
    assert found["run_seconds"] > 0
    assert 0 < found["run_bytes"] < found["weight"] < TARGET_WEIGHT

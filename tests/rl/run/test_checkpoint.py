"""A checkpoint brings back weights, optimizer, schedule and generators, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from launched import run_program

pytestmark = pytest.mark.integration


def outcome_of(mode: str, folder: Path) -> dict[str, Any]:
    done = run_program("tests/rl/programs/saving.py", mode, str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_full_disk_leaves_the_former_checkpoint_and_training_goes_on_from_it_exactly(
    tmp_path: Path,
) -> None:
    saved = outcome_of("save", tmp_path)
    assert len(set(saved["hashes"])) == 4, "every update must change the weights"
    assert saved["latest"] == "global_step2"
    assert "checkpoints/_actor/global_step3" in saved["said"]
    assert "make room" in saved["said"]
    loaded = outcome_of("load", tmp_path)
    assert loaded["step"] == 2
    assert loaded["hashes"] == saved["hashes"][1:]
    assert loaded["names"] == [".partial", "global_step2", "global_step4", "latest"]

"""The trainer's gradient is the paper's (issue 2: to 1e-5 relative), on ragged trajectories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from launched import run_program

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("weighting", ["paper", "token-mean"])
@pytest.mark.parametrize("micro_batch", [32, 4])
def test_one_real_step_equals_the_closed_form(
    weighting: str, micro_batch: int, tmp_path: Path
) -> None:
    program = "tests/rl/programs/gradient.py"
    done = run_program(program, weighting, "32", str(micro_batch), str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["error"] < 1e-5
    assert found["used"] == 8, "question c has no spread and one run of a failed"
    assert found["blanks"] == 17, "with micro-batches of 4 some hold blanks only"
    assert 0 < found["clipped"] < 1, "the case must exercise the clip on both sides"
    assert found["kl"] > 0


def test_an_update_with_a_nan_gradient_is_left_out_and_counted(tmp_path: Path) -> None:
    done = run_program("tests/rl/programs/nan_gradient.py", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    first, spoilt, last = json.loads(done.stdout.splitlines()[-1])
    assert first == {"skipped": 0, "same": False, "finite": True}
    assert spoilt["same"]
    assert spoilt["skipped"] >= 1
    assert last == {"skipped": 0, "same": False, "finite": True}

"""A checkpoint brings back weights, optimizer, schedule and generators, to the last bit."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from launched import run_program

from rl.run.saved import checkpoints

pytestmark = pytest.mark.integration

PROGRAM = "tests/rl/programs/saving.py"


def outcome_of(mode: str, folder: Path) -> dict[str, Any]:
    done = run_program(PROGRAM, mode, str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_full_disk_leaves_the_former_checkpoint_and_training_goes_on_from_it_exactly(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    saved = outcome_of("save", tmp_path)
    checkpoints.hold_to_saved(run, trusted=False)
    assert len(set(saved["hashes"])) == 4, "every update must change the weights"
    assert saved["latest"] == "global_step2"
    assert "checkpoints/_actor/global_step3" in saved["said"]
    assert "make room" in saved["said"]
    for path in (checkpoints.home(run) / "global_step2").glob("*.pt"):
        assert_code_does_not_run(tmp_path, path)
    loaded = outcome_of("load", tmp_path)
    assert loaded["step"] == 2
    assert loaded["hashes"] == saved["hashes"][1:]
    assert loaded["names"] == [".partial", "global_step2", "global_step4", "latest"]


class Harmful:
    """Makes a folder when its pickle is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def assert_code_does_not_run(folder: Path, path: Path) -> None:
    """Not from the file at `path` of a checkpoint, though everything else in it is as it was."""
    sound, mark = path.with_suffix(".sound"), folder / f"ran-{path.stem}"
    shutil.move(path, sound)
    contents = torch.load(sound, weights_only=False)
    torch.save(contents | {"more": Harmful(mark)}, path)
    done = run_program(PROGRAM, "load", str(folder))
    assert not mark.exists(), "code in a checkpoint ran"
    assert done.returncode != 0
    assert f"{path} was not loaded: it names code (posix.mkdir)" in done.stderr, done.stderr[-3000:]
    torch.load(path, weights_only=False)
    assert mark.exists(), "the pickle is harmful where code may run"
    shutil.move(sound, path)

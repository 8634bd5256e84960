"""One trainer a folder, and files that are whole or not there."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from launched import ROOT, environment

from agentflow_graph.errors import NotWritten, SettingError
from agentflow_graph.record.artifacts import move_in, write_whole
from rl.run import folder
from rl.run.folder import claim, hold_as_writer, hold_to_planner, records
from rl.run.saved import checkpoints


def test_a_second_trainer_is_refused(tmp_path: Path) -> None:
    for _ in range(2):  # it is given back
        with claim(tmp_path), pytest.raises(SettingError, match="another trainer"):
            claim(tmp_path).__enter__()
    with pytest.raises(KeyError), claim(tmp_path):
        raise KeyError
    with claim(tmp_path):
        pass


WRITER = """
import sys, time
from pathlib import Path
from rl.run.folder import hold_as_writer
held = hold_as_writer(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_what_is_left_of_a_killed_trainer_is_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "record")]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"held\n"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folder, "ENDING", 0.2)
            with pytest.raises(SettingError, match="still writes"):
                claim(tmp_path).__enter__()
        writer.kill()
        with claim(tmp_path):
            pass


def test_no_worker_begins_to_write_while_a_trainer_waits_for_the_last_one(tmp_path: Path) -> None:
    with (tmp_path / "writers.lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        with pytest.raises(SettingError, match="being claimed"):
            hold_as_writer(tmp_path)


def test_writers_share(tmp_path: Path) -> None:
    for held in [hold_as_writer(tmp_path), hold_as_writer(tmp_path)]:
        os.close(held)


def test_a_failed_write_leaves_the_former_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "latest"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NotWritten, match="No space left on device; make room there"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["latest"]
    assert path.read_bytes() == b"new"


def saved(home: Path, step: int) -> None:
    aside = home / ".partial" / f"global_step{step}"
    aside.mkdir(parents=True)
    (aside / "model.pt").write_text(str(step))
    checkpoints.publish(aside, home)


def test_the_last_two_checkpoints_stay_and_the_last_is_named(tmp_path: Path) -> None:
    home = checkpoints.home(tmp_path)
    assert checkpoints.latest(tmp_path) == ""
    for step in (5, 10, 15):
        saved(home, step)
        os.utime(home / f"global_step{step}", (step, step))
    assert checkpoints.latest(tmp_path) == "global_step15"
    assert {p.name for p in home.glob("global*")} == {"global_step10", "global_step15"}


def test_a_checkpoint_is_saved_again_over_one_that_nothing_named(tmp_path: Path) -> None:
    home = checkpoints.home(tmp_path)
    saved(home, 5)
    (home / "global_step10").mkdir()
    (home / "global_step10" / "half.pt").write_text("")
    saved(home, 10)
    names = {p.name for p in (home / "global_step10").iterdir()}
    assert names == {"model.pt", "seal.json"}


def test_a_moved_folder_replaces_the_old_one(tmp_path: Path) -> None:
    for name in ("fresh", "kept"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "file").write_text(name)
    move_in(tmp_path / "fresh", tmp_path / "kept")
    assert (tmp_path / "kept" / "inner" / "file").read_text() == "fresh"
    assert not (tmp_path / "fresh").exists()


def test_a_run_is_not_resumed_on_other_weights(tmp_path: Path) -> None:
    model, run = tmp_path / "model", tmp_path / "run"
    model.mkdir()
    (run / "record").mkdir(parents=True)
    (model / "model.safetensors").write_bytes(b"weights")
    hold_to_planner(run, model)
    hold_to_planner(run, model)
    (model / "model.safetensors").write_bytes(b"WEIGHTS")
    with pytest.raises(SettingError, match="not those that .* began with"):
        hold_to_planner(run, model)


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert records(path) == []
    path.write_bytes(b'{"kind":"step"}\n{"kind":"st')
    assert records(path) == [{"kind": "step"}]

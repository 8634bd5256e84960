"""What `python -m rl.train` says when something is wrong, and what it leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rl.train import main

CONFIG = ["--config", "rl/configs/nano.yaml"]


@pytest.fixture
def planner(tmp_path: Path) -> Path:
    folder = tmp_path / "planner"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def run(planner: Path, tmp_path: Path, *more: str) -> int:
    return main([*CONFIG, f"model.path={planner}", f"run={tmp_path / 'run'}", "steps=1", *more])


def test_a_model_that_is_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", tmp_path, "model.warm_start=false") == 2
    assert "python -m rl warmstart" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_written_into(
    planner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text("kept")
    assert run(planner, tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == "kept"


def test_a_tool_that_does_not_exist(
    planner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(planner, tmp_path, "agent.tools=pythn_coder") == 2
    assert "did you mean 'python_coder'" in capsys.readouterr().err


def test_a_run_with_an_old_name_in_its_configuration_is_not_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"run: {tmp_path}\nmodel: {{path: m}}\nrollout: {{group: 4}}\n"
    (tmp_path / "config.yaml").write_text(text)
    assert main(["--resume", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "rollout.group is now called rollout.group_size" in said
    assert "config.yaml" in said


def test_training_that_breaks_off_says_why_and_where(
    planner: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> None:
        os.write(1, b"noise of a third party")
        raise OSError("no space left on device")

    launch = ModuleType("rl.adapter.launch")
    vars(launch)["train"] = broken
    monkeypatch.setitem(sys.modules, "rl.adapter.launch", launch)
    assert run(planner, tmp_path) == 1
    shown = capfd.readouterr()
    assert "no space left on device" in shown.err
    assert "Traceback" not in shown.err + shown.out
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "Traceback" in log
    assert "noise of a third party" in log
    assert (tmp_path / "run" / "config.yaml").exists()

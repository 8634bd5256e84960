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


def broken(*_: Any) -> None:
    os.write(1, b"noise of a third party")
    raise OSError("no space left on device")


@pytest.fixture
def breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that ends when it has begun."""
    launch = ModuleType("rl.adapter.launch")
    vars(launch)["train"] = broken
    monkeypatch.setitem(sys.modules, "rl.adapter.launch", launch)


@pytest.mark.usefixtures("breaks_off")
def test_somebody_elses_run_is_gone_on_with_only_if_it_is_trusted(
    planner: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, imported = tmp_path / "run", tmp_path / "imported"
    code = f"open({str(imported)!r}, 'w').close()\ndef brief(task, state): return 1.0\n"
    (tmp_path / "theirs.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with monkeypatch.context() as theirs:
        theirs.setenv("AGENTFLOW_STATE", str(tmp_path / "state"))
        assert run(planner, tmp_path, "reward.kind=theirs:brief") == 1
    del sys.modules["theirs"]
    imported.unlink()
    capsys.readouterr()

    assert main(["--resume", str(folder)]) == 2
    said = capsys.readouterr().err
    assert f"{folder / 'seal.json'} has not the mark of your key" in said
    assert "--trust" in said
    assert not imported.exists(), "what the run names was imported"
    for words in (["--trust"], []):  # once taken over, it is one's own
        assert main(["--resume", str(folder), *words]) == 1
        assert "training broke off" in capsys.readouterr().err
    assert imported.exists()


@pytest.mark.usefixtures("breaks_off")
def test_a_configuration_that_was_changed_is_named(
    planner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(planner, tmp_path) == 1
    config, sealed = tmp_path / "run" / "config.yaml", tmp_path / "run" / "seal.json"
    config.write_text(config.read_text().replace("steps: 1\n", "steps: 2\n"))
    assert main(["--resume", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert f"{config} is not what was saved" in said
    assert f"remove {sealed} and add --trust" in said
    sealed.unlink()
    assert main(["--resume", str(tmp_path / "run"), "--trust"]) == 1


def test_trust_is_for_a_run_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*CONFIG, "--trust"])
    assert "--trust goes with --resume" in capsys.readouterr().err


@pytest.mark.usefixtures("breaks_off")
def test_training_that_breaks_off_says_why_and_where(
    planner: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(planner, tmp_path) == 1
    shown = capfd.readouterr()
    assert "no space left on device" in shown.err
    assert "Traceback" not in shown.err + shown.out
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "Traceback" in log
    assert "noise of a third party" in log
    assert (tmp_path / "run" / "config.yaml").exists()

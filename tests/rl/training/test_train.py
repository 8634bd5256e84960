"""What `python -m rl.train` says when something is wrong, and what it leaves."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rl.run.saved import checkpoints, closed
from rl.settings.config import load
from rl.settings.errors import Stalled, going_on
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


@pytest.fixture
def begun(planner: Path, tmp_path: Path, breaks_off: None, request: pytest.FixtureRequest) -> Path:
    """A run of 8 questions a step that broke off, with checkpoints after steps 2 and 4."""
    sizes = ("steps=6", "rollout.questions=8", "agent.executor=vllm:m@http://127.0.0.1:1/v1")
    assert run(planner, tmp_path, *sizes) == 1
    folder = tmp_path / "run"
    for step in (2, 4):
        saved = folder / "saving" / f"global_step{step}"
        saved.mkdir(parents=True)
        (saved / "weights.pt").write_text(f"of step {step}")
        (folder / "checkpoints" / "_actor").mkdir(parents=True, exist_ok=True)
        checkpoints.publish(saved, folder / "checkpoints" / "_actor")
    for part in ("train-00002", "train-00003", "train-00004", "heldout-00004-0.7"):
        (folder / "record" / part).mkdir()
    lines = [{"kind": "step", "step": n, "wall": n} for n in (1, 2, 3, 4)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def resumed(folder: Path, *words: str) -> int:
    return main(["--resume", str(folder), *words])


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "record").glob("*-*"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("rollout.group_size=4", "rollout.group_size=4 was 8 in this run, and it cannot change"),
        ("seed=8", "seed=8 was 7 in this run"),
        ("agent.max_turns=5", "agent.max_turns=5 was 3 in this run"),
        ("agent.executor=vllm:n@http://127.0.0.1:1/v1", "only its address may change"),
        ("steps=3", "has done 4 already; give more, such as steps=8"),
        ("rollout.grup_size=4", "did you mean 'group_size'"),
    ],
)
def test_a_resume_refuses_by_name_what_would_make_another_run(
    begun: Path, override: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (begun / "config.yaml").read_bytes()
    capsys.readouterr()
    assert resumed(begun, override) == 2
    assert said in capsys.readouterr().err
    assert (begun / "config.yaml").read_bytes() == config


def test_a_resume_takes_more_steps_and_another_address(begun: Path) -> None:
    questions = begun / "data" / "train.jsonl"
    first = questions.read_text()
    (begun / "summary.json").write_text('{"steps": 6}')
    address = "agent.executor=vllm:m@http://127.0.0.1:2/v1"
    assert resumed(begun, "steps=9", "evaluation.every=3", address) == 1, "it is tried again"
    assert not (begun / "summary.json").exists(), "it is not done any more"
    config = load(begun / "config.yaml")
    assert (config.steps, config.evaluation.every) == (9, 3)
    assert config.agent["executor"].endswith(":2/v1")
    assert questions.read_text().startswith(first)
    assert len(questions.read_text().splitlines()) == 9 * 8
    assert parts(begun) == ["heldout-00004-0.7", "train-00002", "train-00003", "train-00004"]
    assert resumed(begun) == 1, "what is new is sealed"


def test_an_older_checkpoint_goes_on_from_the_record(
    begun: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert resumed(begun, "--checkpoint", "global_step3") == 2
    assert "there are: global_step2, global_step4" in capfd.readouterr().err
    assert resumed(begun, "--checkpoint", "global_step2") == 1
    assert checkpoints.latest(begun) == "global_step2"
    assert len(parts(begun)) == 4, "with the same settings it comes to the same"


def test_what_another_learning_rate_would_not_have_made_is_set_aside(begun: Path) -> None:
    assert resumed(begun, "--checkpoint", "global_step2", "optimizer.lr=1e-5") == 1
    assert parts(begun) == ["train-00002", "train-00003"], "the last was sampled by step 2"
    aside = begun / "aside" / "001"
    assert parts(aside) == ["heldout-00004-0.7", "train-00004"]
    assert (aside / "checkpoints" / "_actor" / "global_step4" / "weights.pt").exists()
    metrics = (begun / "metrics.jsonl").read_text()
    kept = [json.loads(line)["step"] for line in metrics.splitlines()]
    assert kept == [1, 2]
    assert len((aside / "metrics.jsonl").read_text().splitlines()) == 4


def test_late_runs_of_another_learning_rate_are_set_aside(begun: Path) -> None:
    for step in (1, 2, 3, 4):
        closed.add(begun / "record", closed.Closed(step, [], ["q"], ["late"]))
    assert resumed(begun, "--checkpoint", "global_step2", "optimizer.lr=1e-5") == 1
    assert parts(begun) == ["train-00002"], "late runs of the third had weights after it"
    assert set(closed.closed_steps(begun / "record")) == {1, 2}


def test_a_resume_is_advised_only_where_it_helps(tmp_path: Path) -> None:
    again = "so again"
    assert going_on(OSError("no space"), tmp_path).startswith("go on with `python -m rl.train")
    assert again in going_on(AssertionError("fewer samples than processes"), tmp_path)
    stalled = going_on(Stalled("no run scores"), tmp_path)
    assert again in stalled
    assert "--checkpoint NAME optimizer.lr=" in stalled


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

"""The dry run through the command line: its table, its prices, its exit code; nothing written."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentflow_graph.models.strings import NANO
from rl.preflight.price.cost import cost
from rl.settings.config import Config, load
from rl.train import main

CONFIGS = Path(__file__).parents[3] / "rl" / "configs"


def dry(tmp_path: Path, *more: str) -> int:
    words = ["--config", str(CONFIGS / "nano.yaml"), "--dry-run", f"run={tmp_path / 'run'}"]
    return main([*words, f"model.path={NANO}", *more])


def listing(folder: Path) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_a_run_that_can_be_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith("FAILED")]
    assert [line for line in lines if line.startswith("ok      planner")]
    assert any("40 steps of 16 questions x 8 runs, at most 3 turns" in line for line in lines)
    assert any("planner 384; tool calls 384" in line for line in lines)
    assert any("optimizer steps: 6 of 64 rows" in line for line in lines)
    assert any(line.startswith("seconds: not known") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_must_not_be_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "kept").write_text("x")
    before = listing(tmp_path)
    assert dry(tmp_path, "data.train=none.jsonl", "rollout.window=4096") == 2
    shown = capsys.readouterr()
    failures = [line.split()[1] for line in shown.out.splitlines() if line.startswith("FAILED")]
    assert failures == ["run", "window", "data.train"]
    assert "3 of " in shown.err and "nothing was started" in shown.err
    again = [line.split(":")[0].strip() for line in shown.err.splitlines()[1:]]
    assert again == failures, "told once more where the eye is"
    assert listing(tmp_path) == before


def test_a_configuration_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(tmp_path, "rollout.grup_size=3") == 2
    assert "did you mean 'group_size'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--config", str(CONFIGS / "nano.yaml"), "--json"])
    assert "--json goes with --dry-run" in capsys.readouterr().err


def test_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry(tmp_path, "--json") == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert record["ready"] is True
    assert {"part", "state", "text", "remedy"} == set(record["findings"][0])
    assert record["step"]["calls"] == {"planner": 384}
    assert record["config"]["rollout"]["group_size"] == 8
    assert dry(tmp_path, "--json", "data.train=none.jsonl") == 2
    assert json.loads(capsys.readouterr().out)["ready"] is False


def test_the_price_of_the_papers_step() -> None:
    price = cost(load(CONFIGS / "qwen2.5-7b.yaml"))
    assert price.runs == 256
    assert price.calls == {
        "planner": 768,
        "analysis": 256,
        "executor": 768,
        "verifier": 768,
        "generator": 256,
        "tool_model": 768,
        "judge": 512,
    }
    assert price.planner_prompt_tokens == 768 * 18_432
    assert price.planner_reply_tokens == 768 * 2_048
    assert (price.judge_prompt_characters, price.judge_reply_tokens) == (512 * 9000, 512_000)
    assert price.optimizer_steps == 12
    assert price.evaluations == 1 + 30 + 2
    assert (price.seconds, price.basis) == (None, "")


def past_run(folder: Path, config: Config, seconds: list[float]) -> None:
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    steps = [{"kind": "step", "rollout_seconds": s / 2, "update_seconds": s / 2} for s in seconds]
    lines = [{"kind": "evaluation", "seconds": 99.0}, *steps]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_seconds_come_from_a_run_with_the_same_settings_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load(CONFIGS / "nano.yaml", [f"run={tmp_path / 'run'}", "steps=30"])
    past_run(tmp_path / "same", config, [2.0, 3.0, 10.0])
    other = load(CONFIGS / "nano.yaml", [f"run={tmp_path / 'run'}", "rollout.group_size=4"])
    past_run(tmp_path / "other", other, [500.0])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metrics.jsonl").write_text("")
    os.utime(tmp_path / "same" / "metrics.jsonl", (time.time() - 60,) * 2)
    price = cost(config)
    assert price.seconds == 3.0
    assert price.basis == f"median of 3 steps in {tmp_path / 'same'}"
    words = ["--config", str(CONFIGS / "nano.yaml"), "--dry-run", "steps=30"]
    assert main([*words, f"run={tmp_path / 'run'}"]) == 0
    assert "seconds: 3 a step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "fragment"),
    [
        ("file", "file is a file, not a folder; choose another folder"),
        ("file/below", "cannot be made: {}/file is a file, not a folder; choose another folder"),
        ("dangling", "dangling leads nowhere; choose another folder"),
    ],
)
def test_a_run_that_has_no_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: str, fragment: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    words = ["--config", "nano", f"model.path={NANO}", f"run={tmp_path / run}"]
    assert main(words) == 2
    assert fragment.format(tmp_path) in capsys.readouterr().err
    assert main([*words, "--dry-run"]) == 2
    assert fragment.format(tmp_path).partition(";")[0] in capsys.readouterr().out

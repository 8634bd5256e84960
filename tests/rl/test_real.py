"""`make real`: what is there is not made again, and an interrupted run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rl import real
from rl.settings.config import Config, load

SUMMARY = {
    "heldout_before": 0.3,
    "heldout_before_interval": [0.25, 0.35],
    "heldout_after": 0.98,
    "heldout_after_interval": [0.96, 0.99],
}


@pytest.fixture
def did(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command had done, in order; each is a stand-in that leaves what it would leave."""
    found: list[str] = []

    def fetch(name: str, out: Path) -> None:
        found.append(f"fetch {name}")
        out.mkdir(parents=True)

    def format_start(weights: Path, planner: Path, recipe: Any) -> None:
        found.append(f"format {recipe.steps} {recipe.layout}")
        planner.mkdir()

    def run(config: Config) -> dict[str, Any]:
        found.append(f"run {config.seed}")
        config.run.mkdir(parents=True, exist_ok=True)
        record = yaml.safe_dump(json.loads(config.model_dump_json()))
        (config.run / "config.yaml").write_text(record)
        return SUMMARY

    def resume(folder: Path) -> dict[str, Any]:
        found.append(f"resume {folder.name}")
        return SUMMARY

    monkeypatch.setattr(real, "fetch", fetch)
    monkeypatch.setattr(real, "format_start", format_start)
    monkeypatch.setattr(real, "run", run)
    monkeypatch.setattr(real, "resume", resume)
    monkeypatch.setattr(real, "ask_one", lambda planner, seed: found.append(f"ask {planner.name}"))
    return found


def test_everything_is_made_once(
    did: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "real"), "--seed", "3"]
    layout = load(real.CONFIG).context().layout
    assert real.main([*words, "--format-steps", "5"]) == 0
    assert did == ["fetch smollm2", f"format 5 {layout}", "run 3", "ask model"]
    said = capsys.readouterr().out
    assert "held-out before  30.0%" in said
    assert "held-out after   98.0%" in said
    did.clear()
    assert real.main(words) == 0
    assert did == ["resume real", "ask model"]


def test_weights_serve_the_next_run_too(did: list[str], tmp_path: Path) -> None:
    assert real.main(["--out", str(tmp_path / "first")]) == 0
    did.clear()
    assert real.main(["--out", str(tmp_path / "second"), "steps=2"]) == 0
    assert [what.split()[0] for what in did] == ["format", "run", "ask"]


def test_other_settings_are_not_mixed_into_a_run(
    did: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "real")
    assert real.main(["--out", out]) == 0
    assert real.main(["--out", out, "--seed", "8"]) == 2
    assert "holds a run with seed 7" in capsys.readouterr().err
    assert real.main(["--out", out, "steps=3"]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_the_configuration_is_what_the_planner_is_taught() -> None:
    config = load(real.CONFIG)
    assert config.evaluation.temperature == 0.7
    assert config.data.heldout_n == 300
    assert config.model.path == "runs/real-format"

"""A published planner: complete, checked by other people's tools, and repeatable."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from agentflow_graph.models.strings import NANO
from rl.run.export import describe_planner, main, publish
from rl.settings.arguments import NANO as CONFIG
from rl.settings.config import load

SUMMARY = {
    "seed": 7,
    "model_calls": 1234,
    "train_seconds": 1500.0,
    "failed_rollouts": 0,
    "trainer": "openrlhf 0.11.2",
    "rollout_engine": "vllm 0.32.0",
}
EVALUATIONS = [
    {"kind": "evaluation", "step": 0, "temperature": 0.7, "n": 300, "success": 0.25}
    | {"interval": [0.2, 0.3]},
    {"kind": "evaluation", "step": 14, "temperature": 0.7, "n": 300, "success": 0.98}
    | {"interval": [0.96, 0.99]},
]
ORIGIN = {"model": "HuggingFaceTB/SmolLM2-135M-Instruct", "licence": "Apache-2.0"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run whose planner began from a model of others."""
    start, home = tmp_path / "start", tmp_path / "run"
    shutil.copytree(NANO, start)
    (start / "source.json").write_text(json.dumps(ORIGIN))
    record = {"recipe": "format start", "seed": 7, "format_steps": 20, "layout": "terse"}
    (start / "agentflow.json").write_text(json.dumps(record))
    shutil.copytree(NANO, home / "model")
    config = load(CONFIG, [f"run={home}", f"model.path={start}"])
    (home / "config.yaml").write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    describe_planner(config, home / "model", 14)
    (home / "summary.json").write_text(json.dumps(SUMMARY))
    lines = "".join(json.dumps(entry) + "\n" for entry in EVALUATIONS)
    (home / "metrics.jsonl").write_text(lines)
    return home


def test_the_sums_are_those_of_sha256sum(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "planner"
    publish(run, out)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, check=True)
    listed = {line.split("  ")[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    there = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert listed == there - {"SHA256SUMS"}
    assert {"model.safetensors", "README.md", "recipe.yaml", "source.json"} <= listed


def test_the_card_says_what_hubs_and_people_read(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "planner")
    text = (tmp_path / "planner" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == ORIGIN["model"]
    assert "| 0 | 0.7 | 300 | 0.250 | 0.200 to 0.300 |" in text
    assert "| 14 | 0.7 | 300 | 0.980 | 0.960 to 0.990 |" in text
    assert "* start: recipe format start, seed 7, format_steps 20" in text
    assert str(tmp_path) not in text


def test_the_recipe_can_be_run_again(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "planner")
    recipe = tmp_path / "planner" / "recipe.yaml"
    assert str(tmp_path) not in recipe.read_text()
    again = load(recipe, ["run=x", "model.path=y"])
    same = {"run": Path("x").absolute(), "model": again.model}
    assert again == load(run / "config.yaml").model_copy(update=same)


def test_a_planner_made_here_has_the_projects_licence(run: Path, tmp_path: Path) -> None:
    (run / "model" / "source.json").unlink()
    publish(run, tmp_path / "planner")
    text = (tmp_path / "planner" / "README.md").read_text()
    assert yaml.safe_load(text.split("---")[1])["license"] == "mit"
    assert "base_model" not in text
    assert "source.json" not in text


def test_an_unfinished_run_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "summary.json").unlink()
    assert main([str(run), "--out", str(tmp_path / "planner")]) == 2
    assert "has no summary.json; finish it first" in capsys.readouterr().err
    assert not (tmp_path / "planner").exists()
    assert main([str(run), "--out", str(tmp_path)]) == 2

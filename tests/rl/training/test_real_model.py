"""A real language model goes through Ray, vLLM and DeepSpeed: one step, by our own commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from launched import run_program
from safetensors.torch import load_file

pytestmark = pytest.mark.integration

SETTINGS = {
    "steps": 1,
    "data.heldout_n": 2,
    "rollout.questions": 1,
    "rollout.group_size": 4,
    "agent.max_turns": 2,
    "reward.kind": "own_rewards:alternating",
}
"""A reward that gives every group spread: without a format start the model answers nothing."""


CODE = {
    "config.json": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"},
    "tokenizer_config.json": {"AutoTokenizer": ["own.Tokenizer", None]},
}
"""What a folder may name; whoever loads models in the common way with trust would run it."""


def with_code_of_its_own(model: Path, out: Path, ran: Path) -> Path:
    """A copy of a model that names code, which leaves a file where it runs."""
    out.mkdir()
    for path in model.iterdir():
        os.link(path, out / path.name)
    for name, classes in CODE.items():
        content = json.loads((model / name).read_text()) | {"auto_map": classes}
        (out / name).unlink()
        (out / name).write_text(json.dumps(content))
    (out / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    return out


def test_one_step_of_a_real_model(smollm2: Path, tmp_path: Path) -> None:
    run, ran = tmp_path / "run", tmp_path / "ran"
    model = with_code_of_its_own(smollm2, tmp_path / "model", ran)
    given = {"run": run, "model.path": model, **SETTINGS}
    words = [f"{name}={value}" for name, value in given.items()]
    config = "rl/configs/smollm2.yaml"
    support = Path(__file__).parents[2] / "support"
    done = run_program("-m", "rl.train", "--config", config, *words, modules=support, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not ran.exists(), "code of a model's folder ran"
    told = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    (shared,) = [entry for entry in told if entry["kind"] == "sharing"]
    assert shared["shared"]
    (step,) = [entry for entry in told if entry["kind"] == "step"]
    assert step["updated"] == 1
    assert step["failed"] == 0
    assert step["mismatch_max"] < 1e-3, "engine and trainer must speak of one and the same model"
    assert step["rows"] == 8
    before, after = (load_file(f / "model.safetensors") for f in (smollm2, run / "model"))
    assert before.keys() == after.keys()
    moved = [name for name in before if not bool((before[name] == after[name]).all())]
    assert len(moved) > 0.9 * len(before)
    assert max(float((before[n] - after[n]).abs().max()) for n in moved) < 2 * 3e-5
    assert (run / "model" / "source.json").read_bytes() == (smollm2 / "source.json").read_bytes()

"""Each look before a run: what is right passes, what is wrong is named with its remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentflow_graph.models import NANO
from rl.config import Config, load
from rl.preflight import machine as machines
from rl.preflight.agent import agent
from rl.preflight.finding import Finding
from rl.preflight.machine import Machine, disk, gpus, versions
from rl.preflight.memory import GIB, budget, memory
from rl.preflight.planner import Planner, planner
from rl.preflight.questions import questions
from rl.preflight.shape import Shape, shape_of

CONFIGS = Path(__file__).parents[2] / "rl" / "configs"
QWEN_7B = {
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": False,
}
"""config.json of Qwen/Qwen2.5-7B-Instruct, as far as it matters here."""


def nano(*overrides: str) -> Config:
    return load(CONFIGS / "nano.yaml", ["model.warm_start=false", *overrides])


def states(findings: Iterator[Finding]) -> dict[str, tuple[str, str]]:
    found = list(findings)
    assert all(bool(one.remedy) == (one.state != "ok") for one in found)
    return {one.part: (one.state, one.text) for one in found}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NANO, tmp_path / "planner"))


@pytest.fixture(scope="module")
def seven() -> Shape:
    return shape_of(QWEN_7B)


# ------------------------------------------------------------------- planner


def test_the_planner_that_ships_is_complete() -> None:
    known = Planner()
    found = states(planner(nano(f"model.path={NANO}"), known))
    assert {state for state, _ in found.values()} == {"ok"}
    assert list(found) == ["planner", "weights", "tokenizer", "window"]
    assert known.shape and known.tokenizer and known.folder == NANO
    weights = json.loads((NANO / "config.json").read_text())
    assert (known.shape.hidden, known.shape.vocabulary) == (64, weights["vocab_size"])


@pytest.mark.parametrize(
    ("remove", "part", "fragment"),
    [
        ("model.safetensors", "weights", "lacks 1 of 1 files"),
        ("tokenizer/tokenizer.json", "planner", "no tokenizer.json"),
        ("config.json", "planner", "no model folder"),
    ],
)
def test_a_folder_that_lacks_a_file(copied: Path, remove: str, part: str, fragment: str) -> None:
    (copied / remove).unlink()
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))[part]
    assert state == "failed"
    assert fragment in text


def test_a_download_that_broke_off_shows(copied: Path) -> None:
    parts = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (copied / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    (copied / "model-1.safetensors").write_bytes(b"x")
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["weights"]
    assert state == "failed"
    assert "lacks 1 of 2 files of weights: model-2.safetensors" in text


def test_a_tokenizer_without_template_and_a_config_of_no_language_model(copied: Path) -> None:
    settings = copied / "tokenizer" / "tokenizer_config.json"
    settings.write_text(json.dumps({"eos_token": "<|im_end|>"}))
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["planner"]
    assert (state, "chat template" in text) == ("failed", True)
    (copied / "config.json").write_text('{"model_type": "no-such-thing"}')
    state, text = states(planner(nano(f"model.path={copied}"), Planner()))["planner"]
    assert (state, "no causal language model" in text) == ("failed", True)
    (copied / "config.json").write_text("{")
    assert states(planner(nano(f"model.path={copied}"), Planner()))["planner"][0] == "failed"


def test_a_window_beyond_the_models_positions() -> None:
    config = nano(f"model.path={NANO}", "rollout.window=2048")
    state, text = states(planner(config, Planner()))["window"]
    assert state == "failed"
    assert "rollout.window=2,048" in text and "1,024" in text


# ------------------------------------------------------------ agent and data


def test_the_nano_planners_tools_and_room() -> None:
    config, known = nano(f"model.path={NANO}"), Planner()
    list(planner(config, known))
    list(questions(config, known))
    found = states(agent(config, known))
    assert found["tool wikipedia_search"][0] == "ok"
    assert (
        found["tool base_generator"]
        == (
            "warning",
            found["tool base_generator"][1],
        )
        and "no model" in found["tool base_generator"][1]
    )
    assert found["room"][0] == "ok"
    tight = nano(f"model.path={NANO}", "agent.memory_tokens=480")
    assert states(agent(tight, known))["room"][0] in ("ok", "warning")
    known.question = "long " * 400
    assert states(agent(config, known))["room"][0] == "failed"


def test_a_tool_that_does_not_exist() -> None:
    config = nano(f"model.path={NANO}", "agent.tools=pythn_coder")
    state, text = states(agent(config, Planner()))["tools"]
    assert state == "failed"
    assert "did you mean 'python_coder'" in text


def files(tmp_path: Path, train: list[dict[str, Any]], held: list[dict[str, Any]]) -> Config:
    for name, rows in (("train", train), ("held", held)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return nano(f"data.train={tmp_path}/train.jsonl", f"data.heldout={tmp_path}/held.jsonl")


def asked(*names: str) -> list[dict[str, Any]]:
    return [{"question": f"{name}?", "answer": name} for name in names]


def test_questions_that_are_right(tmp_path: Path) -> None:
    known = Planner()
    found = states(questions(files(tmp_path, asked("a", "bbb"), asked("c")), known))
    assert found["data.train"][0] == found["data.heldout"][0] == "ok"
    assert "2 questions, scorers: exact 2" in found["data.train"][1]
    assert "640 questions in 40 steps: 320.00 passes" in str(
        list(questions(files(tmp_path, asked("a", "bbb"), asked("c")), known))
    )
    assert known.question == "bbb?"


@pytest.mark.parametrize(
    ("train", "held", "part", "state", "fragment"),
    [
        (asked("a", "b", "a"), asked("c"), "data.train", "warning", "1 rows ask what another"),
        (asked("a", "b"), asked("b"), "data", "failed", "1 questions are in both files"),
        (asked("a", ""), asked("c"), "data.train", "failed", "1 of 2 rows"),
        ([], asked("c"), "data.train", "failed", "has no questions"),
    ],
)
def test_questions_that_are_wrong(
    tmp_path: Path,
    train: list[dict[str, Any]],
    held: list[dict[str, Any]],
    part: str,
    state: str,
    fragment: str,
) -> None:
    found = list(questions(files(tmp_path, train, held), Planner()))
    assert [f for f in found if (f.part, f.state) == (part, state) and fragment in f.text], found


# ------------------------------------------------------------ memory and disk


def test_the_shape_of_the_papers_model_is_exact(seven: Shape) -> None:
    assert seven.parameters == 7_615_616_512  # as the model's card has it: 7.61 billion
    assert seven.cache(2) == 57_344  # 2 x 28 layers x 4 heads x 128 x 2 bytes
    tied = shape_of({**QWEN_7B, "tie_word_embeddings": True})
    assert seven.parameters - tied.parameters == 152_064 * 3_584


@pytest.mark.parametrize("name", ["qwen2.5-7b", "qwen2.5-7b-4gpu", "qwen2.5-7b-2nodes"])
def test_the_shipped_configurations_fit_where_they_say(name: str, seven: Shape) -> None:
    config = load(CONFIGS / f"{name}.yaml")
    found = list(memory(config, seven, 80 * GIB, 192 * GIB))
    assert {one.state for one in found} <= {"ok", "warning"}, found
    small = list(memory(config, seven, 40 * GIB, 192 * GIB))
    assert "failed" in {one.state for one in small}


def test_memory_follows_zero_and_offloading(seven: Shape) -> None:
    n = seven.parameters
    eight = load(CONFIGS / "qwen2.5-7b.yaml")
    sharded = budget(eight, seven)
    assert sharded.weights == sharded.gradients == sharded.reference == 2 * n / 8
    assert (sharded.optimizer, sharded.host) == (12 * n / 8, 0)
    second = budget(load(CONFIGS / "qwen2.5-7b.yaml", ["optimizer.zero_stage=2"]), seven)
    assert (second.weights, second.gradients) == (2 * n, 2 * n / 8)
    one = budget(load(CONFIGS / "qwen2.5-7b-1gpu.yaml"), seven)
    assert (one.optimizer, one.reference) == (0, 0)
    assert one.host == 12 * n + 2 * n
    assert budget(load(CONFIGS / "qwen2.5-7b.yaml", ["algorithm.kl=0"]), seven).reference == 0


def test_a_cpu_run_needs_the_machines_memory() -> None:
    shape = shape_of(json.loads((NANO / "config.json").read_text()))
    assert states(memory(nano(), shape, 0, 16 * GIB))["memory"][0] == "ok"
    assert states(memory(nano(), shape, 0, 2 * GIB))["memory"][0] == "failed"


def test_the_disk_must_hold_what_a_run_leaves(
    tmp_path: Path, seven: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(CONFIGS / "qwen2.5-7b.yaml", [f"run={tmp_path}/not/yet"])
    kept = machines.written(config, seven)
    assert kept["3 checkpoint(s)"] == 3 * 14 * seven.parameters
    need = sum(kept.values())
    for free, state in ((2 * need, "ok"), (1.1 * need, "warning"), (0.9 * need, "failed")):
        usage = shutil._ntuple_diskusage(int(free), 0, int(free))  # type: ignore[attr-defined]
        monkeypatch.setattr(machines.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert states(disk(config, seven))["disk"][0] == state
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("qwen2.5-7b", 8), ("qwen2.5-7b-4gpu", 3), ("qwen2.5-7b-1gpu", 1), ("qwen2.5-7b-2nodes", 8)],
)
def test_gpus_are_counted_against_what_is_asked(name: str, wanted: int) -> None:
    config = load(CONFIGS / f"{name}.yaml")
    enough = Machine((80.0 * GIB,) * wanted, 0)
    assert next(gpus(config, enough)).state == "ok"
    found = next(gpus(config, replace(enough, gpus=enough.gpus[1:])))
    assert found.state == "failed"
    assert f"{wanted} wanted on this machine, {wanted - 1} in sight" in found.text


def test_versions_are_those_of_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(versions(nano()))["versions"][0] == "ok"
    state, text = states(versions(load(CONFIGS / "qwen2.5-7b.yaml")))["versions"]
    assert (state, "vllm is not installed, wanted 0.29.0" in text) == ("failed", True)
    monkeypatch.setitem(machines.PINNED, "ray", "1.0")
    state, text = states(versions(nano()))["versions"]
    assert (state, "ray is 2.55.0, wanted 1.0" in text) == ("failed", True)

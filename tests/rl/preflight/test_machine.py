"""Memory, disk, GPUs and versions: what a run needs against what a machine has."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from qwen import QWEN_7B

from agentflow_graph.models.strings import NANO
from rl.preflight import machine as machines
from rl.preflight.machine import Machine, disk, gpus, versions
from rl.preflight.memory import GIB, budget, memory
from rl.preflight.shape import Shape, shape_of
from rl.settings.config import load

CONFIGS = Path(__file__).parents[3] / "rl" / "configs"
NANO_CONFIG = load(CONFIGS / "nano.yaml")


@pytest.fixture(scope="module")
def seven() -> Shape:
    return shape_of(QWEN_7B)


def test_the_shape_of_the_papers_model_is_exact(seven: Shape) -> None:
    assert seven.parameters == 7_615_616_512  # as the model's card has it: 7.61 billion
    assert seven.cache(2) == 57_344  # 2 x 28 layers x 4 heads x 128 x 2 bytes
    tied = shape_of({**QWEN_7B, "tie_word_embeddings": True})
    assert seven.parameters - tied.parameters == 152_064 * 3_584


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("qwen*.yaml")))
def test_the_shipped_configurations_fit_where_they_say(name: str, seven: Shape) -> None:
    config = load(CONFIGS / f"{name}.yaml")
    told = re.search(r"([0-9]+) GB\n?[ #]*of host memory", (CONFIGS / f"{name}.yaml").read_text())
    host = int(told[1]) * 1e9 if told else 300e9
    found = list(memory(config, seven, 80 * GIB, host))
    assert {one.state for one in found} <= {"ok", "warning"}, found
    small = list(memory(config, seven, 24 * GIB, host))
    assert "failed" in {one.state for one in small}


def test_memory_follows_zero_and_offloading(seven: Shape) -> None:
    n = seven.parameters
    eight = load(CONFIGS / "qwen2.5-7b.yaml")
    sharded = budget(eight, seven)
    assert sharded.weights == sharded.gradients == sharded.reference == 2 * n / 8
    assert (sharded.optimizer, sharded.host) == (12 * n / 8, 8 * 4 * n)
    awake = load(CONFIGS / "qwen2.5-7b.yaml", ["engine.sleep=false"])
    assert budget(awake, seven).host == 0
    assert sharded.others == 4 * GIB + 4 * eight.micro_tokens**2, "and a tree's mask"
    second = budget(load(CONFIGS / "qwen2.5-7b.yaml", ["optimizer.zero_stage=2"]), seven)
    assert (second.weights, second.gradients) == (2 * n, 2 * n / 8)
    away = ["optimizer.offload=true", "model.reference_offload=true"]
    light = budget(load(CONFIGS / "qwen2.5-7b.yaml", away), seven)
    assert (light.optimizer, light.gradients, light.reference) == (0, 0, 0)
    # fp32 weights, two moments, gradients twice; the reference; eight engines that sleep.
    assert light.host == 18 * n + 8 * 2 * n / 8 + 8 * 4 * n
    assert budget(load(CONFIGS / "qwen2.5-7b.yaml", ["algorithm.kl=0"]), seven).reference == 0


def test_logits_are_those_of_the_replies(seven: Shape) -> None:
    def activations(*more: str) -> float:
        given = ["optimizer.share_prefixes=off", "model.gradient_checkpointing=true", *more]
        return budget(load(CONFIGS / "qwen2.5-7b.yaml", given), seven).activations

    # A row of 20,480 tokens: the inputs of 28 layers, one layer's inside, logits of 2,048 tokens.
    layers = 20_480 * 2 * (28 * 3584 + 10 * 3584 + 4 * 18_944)
    logits = 2_048 * 152_064 * (2 + 8)
    assert activations() == layers + logits
    assert activations("rollout.reply_tokens=1024") == layers + logits / 2
    assert activations("optimizer.micro_batch=2", "optimizer.batch_rows=64") == 2 * activations()
    # By tokens, a micro-batch of rows that are nearly all reply.
    assert activations("optimizer.micro_tokens=40960") == 2 * layers + 40_960 * 152_064 * 10
    # As a tree: 8 runs of 3 turns say at most 24 x 512 tokens, of 20,480 that are computed.
    tree = ["optimizer.share_prefixes=on", "rollout.reply_tokens=512"]
    assert activations(*tree) == layers + 24 * 512 * 152_064 * 6


def test_adapters_alone_have_gradients_and_states(seven: Shape) -> None:
    # Per layer: q and o 2 x (3584 + 3584), k and v 2 x (3584 + 512), three of 3584 + 18944.
    assert seven.adapters(1, []) == 28 * (2 * 7168 + 2 * 4096 + 3 * 22_528)
    assert seven.adapters(8, ["q_proj"]) == 8 * 28 * 7168
    one = budget(load(CONFIGS / "qwen2.5-7b-lora-1gpu.yaml"), seven)
    assert one.weights == 2 * seven.parameters
    assert one.gradients == 2 * seven.adapters(32, [])
    assert one.optimizer == 12 * seven.adapters(32, [])


def test_a_cpu_run_needs_the_machines_memory() -> None:
    shape = shape_of(json.loads((NANO / "config.json").read_text()))
    assert next(memory(NANO_CONFIG, shape, 0, 16 * GIB)).state == "ok"
    assert next(memory(NANO_CONFIG, shape, 0, 2 * GIB)).state == "failed"


def test_the_disk_must_hold_what_a_run_leaves(
    tmp_path: Path, seven: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(CONFIGS / "qwen2.5-7b.yaml", [f"run={tmp_path}/not/yet"])
    kept = machines.disk_bytes(config, seven)
    assert kept["3 checkpoint(s)"] == 3 * 14 * seven.parameters
    rollout, evaluation = config.rollout, config.evaluation
    runs = config.steps * rollout.questions * rollout.group_size
    measured = len([step for step in range(config.steps + 1) if step % evaluation.every == 0])
    runs += (measured + evaluation.greedy * 2) * config.data.heldout_n
    tokens = config.context().max_turns * rollout.window
    unpacked = 2 * rollout.questions * rollout.group_size * machines.TOKEN_BYTES
    longest = tokens * (runs * machines.PACKED_BYTES + unpacked)
    assert longest / 2 < kept["record, at most"] < longest
    need = sum(kept.values())
    for free, state in ((2 * need, "ok"), (1.1 * need, "warning"), (0.9 * need, "failed")):
        usage = shutil._ntuple_diskusage(int(free), 0, int(free))  # type: ignore[attr-defined]
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        assert next(disk(config, seven)).state == state
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("qwen2.5-7b", 8),
        ("qwen2.5-7b-4gpu", 3),
        ("qwen2.5-7b-lora-1gpu", 1),
        ("qwen2.5-7b-2nodes", 8),
    ],
)
def test_gpus_are_counted_against_what_is_asked(name: str, wanted: int) -> None:
    config = load(CONFIGS / f"{name}.yaml")
    enough = Machine((80.0 * GIB,) * wanted, 0)
    assert next(gpus(config, enough)).state == "ok"
    found = next(gpus(config, replace(enough, gpus=enough.gpus[1:])))
    assert found.state == "failed"
    assert f"{wanted} wanted on this machine, {wanted - 1} in sight" in found.text


def test_versions_are_those_of_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert next(versions(NANO_CONFIG)).state == "ok"
    found = next(versions(load(CONFIGS / "qwen2.5-7b.yaml")))
    assert (found.state, "vllm is not installed, wanted 0.29.0" in found.text) == ("failed", True)
    monkeypatch.setitem(machines.PINNED, "ray", "1.0")
    found = next(versions(NANO_CONFIG))
    assert (found.state, "ray is 2.55.0, wanted 1.0" in found.text) == ("failed", True)

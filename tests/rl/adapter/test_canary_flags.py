"""OpenRLHF's own parser takes the flags that we give it, and assumes what we assume."""

from __future__ import annotations

import argparse
import ast
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from upstream import stock_cli

from rl.adapter.stack import flags
from rl.settings.config import load

NANO = Path(__file__).parents[3] / "rl" / "configs" / "nano.yaml"


def stock_parser() -> argparse.ArgumentParser:
    """OpenRLHF's own parser: the main block of its command line up to `parse_args`."""
    tree = stock_cli()
    main = next(node for node in tree.body if isinstance(node, ast.If))
    until = next(i for i, node in enumerate(main.body) if "parse_args" in ast.unparse(node))
    names: dict[str, Any] = {"argparse": argparse, "os": os, "datetime": datetime}
    block = ast.Module(main.body[:until], type_ignores=[])
    exec(compile(block, "train_ppo_ray's parser", "exec"), names)
    return names["parser"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["algorithm.weighting=token-mean", "algorithm.kl=0", "save_every=5", "steps=9"],
        ["model.lora.rank=8", "model.lora.targets=[q_proj, v_proj]"],
        ["engine.device=gpu", "engine.count=4", "model.dtype=bf16", "optimizer.zero_stage=3"],
        ["algorithm.ratio=sequence", "algorithm.dual_clip=3", "algorithm.advantage=leave-one-out"],
        ["algorithm.advantage=centred", "algorithm.entropy=0.01", "optimizer.epochs=4"],
    ],
)
def test_the_stock_parser_understands_every_flag(overrides: list[str]) -> None:
    config = load(NANO, overrides)
    parser = stock_parser()
    parsed = vars(parser.parse_args(flags.flags(config)))
    for word in flags.flags(config):
        if word.startswith("--"):
            assert word[2:] in parsed, f"rl/adapter/stack/flags.py: {word} is an abbreviation"
    assert parsed["train.batch_size"] == config.optimizer.batch_rows
    assert parsed["actor.eps_clip_low_high"] == [0.2, 0.3]
    assert parsed["algo.kl.init_coef"] == config.algorithm.kl
    algorithm = config.algorithm
    assert parsed["actor.policy_loss_type"] == ("gspo" if algorithm.ratio == "sequence" else "ppo")
    assert parsed["actor.dual_clip"] == (algorithm.dual_clip or None)
    assert parsed["actor.entropy_coef"] == algorithm.entropy, "at 0 it is logged, at None not"
    assert parsed["train.max_epochs"] == config.optimizer.epochs
    assert parsed["algo.advantage.estimator"] == flags.ESTIMATORS[algorithm.advantage]
    assert parsed["ckpt.save_steps"] == (config.save_every or config.steps)
    assert parsed["ds.zero_stage"] == config.optimizer.zero_stage


def test_what_we_do_not_set_is_as_the_adapter_assumes() -> None:
    parsed = vars(stock_parser().parse_args(flags.flags(load(NANO))))
    assumed = {
        "train.dynamic_batch_enable": False,  # flags.py sets it where prefixes are shared
        "train.async_enable": False,
        "train.colocate_all": False,
        "actor.num_nodes": 1,
        "actor.dual_clip": None,
        "algo.advantage.is_correction_level": "off",
        "algo.advantage.is_correction_gating": "ratio",
        "algo.kl.unbiased_gradient": False,
        "algo.kl.target": None,
        "algo.dynamic_filtering_enable": False,
        "data.apply_chat_template": False,  # samples.py: the prompt is the bare question
        "data.input_template": None,
        "vllm.enable_sleep": False,
        "ds.packing_samples": False,
    }
    assert {name: parsed[name] for name in assumed} == assumed, "rl/adapter/stack/flags.py"

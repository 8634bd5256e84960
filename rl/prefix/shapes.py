"""Models for `rl.prefix.check`: those that are named, or random ones in the shapes of Qwen2.5."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, Qwen2Config

from rl.prefix.attention import install

SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 512,
        "initializer_range": 0.1,
    },
    "0.5b": {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
        "tie_word_embeddings": True,
    },
    "7b": {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152_064,
    },
}
"""By size; tiny is for tests."""

ROTARY = {"rope_type": "default", "rope_theta": 1_000_000.0}

FULL = 0.55
"""Share of a GPU's free memory for weights and gradients in fp32: 8 bytes a weight."""


def configuration(name: str | None, size: str, layers: int, device: str) -> PreTrainedConfig:
    """Of a model or of a shape, with as many layers as asked for; 0: as fit.

    Raises:
        OSError: there is no such model.
    """
    if name:
        config: PreTrainedConfig = AutoConfig.from_pretrained(name)
    else:
        config = Qwen2Config(**{"rope_parameters": ROTARY, **SHAPES[size]})
    whole = config.num_hidden_layers
    taken = min(whole, layers or (fitting(config) if device == "cuda" else whole))
    if taken < whole:
        config.num_hidden_layers = taken
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:taken]
    config.whole = whole
    return config


def fitting(config: PreTrainedConfig) -> int:
    """How many layers of a model fit beside their gradients."""
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
    layers = config.num_hidden_layers
    of_layers = sum(weight.numel() for weight in model.model.layers.parameters())
    others = sum(weight.numel() for weight in model.parameters()) - of_layers
    room = FULL * torch.cuda.mem_get_info()[0] / 8
    return max(1, int((room - others) * layers / of_layers))


def loaded(config: PreTrainedConfig, name: str | None, device: str, checkpointing: bool) -> Any:
    """The model on the device in fp32, with attention that follows trees.

    Raises:
        OSError: there is no such model.
        ValueError: its rows cannot be a tree.
    """
    how: dict[str, Any] = {"dtype": torch.float32, "attn_implementation": "sdpa"}
    torch.manual_seed(0)
    model: Any
    if name:
        model = AutoModelForCausalLM.from_pretrained(name, config=config, **how)
    else:
        with torch.device(device):
            model = AutoModelForCausalLM.from_config(config, **how)
    install(model)
    model.to(device).train()  # else nothing is checkpointed; there is no dropout
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model


def narrow(model: Any) -> None:
    """Weights to bf16, but not the angles of the rotary embedding."""
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)

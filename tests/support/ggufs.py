"""Tiny language models of random weights, and GGUF files of them as llama.cpp would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, dequantize, get_tensor_name_map
from gguf.quants import quantize
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

from rl.planners import nano
from rl.planners.weights.conversion import convert

ARCHITECTURES = ("llama", "qwen2", "qwen3")
HIDDEN, HEADS, KV_HEADS, LAYERS, WINDOW = 64, 4, 2, 2, 128
TEXTS = ("What is the capital of France?", "The population of Old Harbor is 4738 or so.\n" * 3)
CONTROL, NORMAL = 3, 1
STORED = {
    "ffn_down.weight": GGMLQuantizationType.Q8_0,
    "attn_q.weight": GGMLQuantizationType.Q4_1,
    "attn_k.weight": GGMLQuantizationType.Q8_0,
    "attn_v.weight": GGMLQuantizationType.F16,
    "ffn_up.weight": GGMLQuantizationType.BF16,
}
"""Kinds that a quantised file mixes."""


def trained_tokenizer() -> Tokenizer:
    """A byte-level BPE with the special tokens of a chat; its splitting is GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=[nano.PAD, nano.START, nano.END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def tiny(architecture: str, tied: bool = True, seed: int = 0) -> Any:
    """A model of two layers with grouped heads; Qwen3's are wider than hidden / heads."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(
        architecture,
        hidden_size=HIDDEN,
        intermediate_size=96,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        head_dim=32 if architecture == "qwen3" else HIDDEN // HEADS,
        vocab_size=trained_tokenizer().get_vocab_size(),
        max_position_embeddings=WINDOW,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        tie_word_embeddings=tied,
        initializer_range=0.3,
    )
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():  # biases and norms begin as 0 and 1, which would hide a mistake
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(torch.rand_like(weight) - 0.5)
    return model


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """What llama.cpp's convert_hf_to_gguf.py does to q_proj and k_proj of a Llama."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write(
    path: Path,
    model: Any,
    stored: Mapping[str, GGMLQuantizationType] = {},
    pre: str = "",
    permute: bool = True,
    drop: str = "",
    **changes: Any,
) -> Path:
    """Write `model` as a GGUF file.

    Args:
        path: the file.
        model: of `tiny`.
        stored: kind by the tensor's name without its block; others are F32.
        pre: how the tokenizer says that it cuts text; else qwen2, and for a Llama gpt-2.
        permute: False leaves out what llama.cpp does to a Llama.
        drop: a tensor to leave out.
        changes: values of the metadata by key, "." written as "__"; None leaves one out.
    """
    config = model.config
    name = config.model_type
    writer = GGUFWriter(path, name)
    pre = pre or ("gpt-2" if name == "llama" else "qwen2")
    values = _metadata(name, config) | _tokenizer(pre)
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    for key, value in (values | changes).items():
        if value is not None:
            _add(writer, key, value)
    names = get_tensor_name_map(MODEL_ARCH[name.upper()], LAYERS)
    for full, weight in model.named_parameters():
        module, _, leaf = full.rpartition(".")
        gguf = f"{names.get_name(module)}.{leaf}"
        if gguf == drop:
            continue
        data = weight.detach().numpy()
        if name == "llama" and permute and (".attn_q." in gguf or ".attn_k." in gguf):
            data = permuted(data, HEADS if ".attn_q." in gguf else KV_HEADS)
        kind = stored.get(gguf.split(".", 2)[-1], GGMLQuantizationType.F32)
        writer.add_tensor(gguf, quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def rounded(model: Any, stored: Mapping[str, GGMLQuantizationType]) -> None:
    """Give `model` the weights that are left of its own after being `stored` so."""
    names = get_tensor_name_map(MODEL_ARCH[model.config.model_type.upper()], LAYERS)
    for full, weight in model.named_parameters():
        module, _, leaf = full.rpartition(".")
        kind = stored.get(f"{names.get_name(module)}.{leaf}".split(".", 2)[-1])
        if kind is not None:
            weight.data = torch.from_numpy(dequantize(quantize(weight.data.numpy(), kind), kind))


def _metadata(name: str, config: Any) -> dict[str, Any]:
    own = {
        "block_count": LAYERS,
        "context_length": WINDOW,
        "embedding_length": HIDDEN,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "attention.key_length": config.head_dim,
        "rope.freq_base": config.rope_parameters["rope_theta"],
    }
    return {f"{name}.{key}": value for key, value in own.items()}


def _tokenizer(pre: str) -> dict[str, Any]:
    record = json.loads(trained_tokenizer().to_str())["model"]
    tokens = sorted(record["vocab"], key=record["vocab"].get)
    special = (nano.PAD, nano.START, nano.END)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL if t in special else NORMAL for t in tokens],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in record["merges"]],
        "tokenizer.ggml.bos_token_id": nano.START_ID,
        "tokenizer.ggml.eos_token_id": nano.END_ID,
        "tokenizer.ggml.padding_token_id": nano.PAD_ID,
        "tokenizer.chat_template": nano.TEMPLATE,
        "general.license": "mit",
    }


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, list):
        writer.add_array(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_uint32(key, value)


def converted(path: Path) -> Path:
    """The folder of a file."""
    folder = path.with_suffix("")
    folder.mkdir()
    convert(path, folder, lambda _: None)
    return folder

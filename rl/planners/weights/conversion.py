"""A GGUF file as a Hugging Face folder in float32.

Numbers are dequantised by the `gguf` package, tensor by tensor; their names, shapes and number are
those of the model that config.json describes, or the file is refused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import MODEL_ARCH_NAMES, GGMLQuantizationType, dequantize, get_tensor_name_map
from gguf.quants import quant_shape_to_byte_shape
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from rl.planners.weights.vocabulary import write_tokenizer
from rl.preflight.gguf_file import GgufFile, read
from rl.preflight.gguf_model import config_of, special_ids


def convert(path: Path, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Write the model and the tokenizer of a GGUF file into `folder`; returns what it was made of.

    All weights are in memory at once: 4 bytes a parameter.

    Raises:
        SettingError: the file is damaged, of another architecture, or cannot be taken over whole.
    """
    file = read(path)
    config = config_of(file)
    # First what takes a moment and is wrong more often.
    write_tokenizer(file, folder, special_ids(file), config["max_position_embeddings"])
    kinds = Counter(GGMLQuantizationType(tensor.kind).name for tensor in file.tensors.values())
    say(f"{path.name}: {config['architectures'][0]}, {len(file.tensors)} tensors, {dict(kinds)}")
    shapes = _expected(file, config)
    weights = {name: _tensor(file, gguf, config) for name, (gguf, _) in shapes.items()}
    total = sum(weight.numel() for weight in weights.values())
    say(f"{total / 1e6:,.1f} million parameters dequantised; writing {total * 4 / 1e6:,.0f} MB")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    GenerationConfig(**special_ids(file)).save_pretrained(folder)
    licence = file.metadata.get("general.license")
    facts: dict[str, Any] = {"kinds": dict(kinds), "parameters": total}
    return facts | {"licence": licence if isinstance(licence, str) else None}


def _expected(file: GgufFile, config: dict[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """By name in the model: the tensor's name in the file, and its shape.

    Raises:
        SettingError: the file has others, or of other shapes.
    """
    architecture = next(key for key, name in MODEL_ARCH_NAMES.items() if name == file.architecture)
    names = get_tensor_name_map(architecture, config["num_hidden_layers"])
    wanted = {}
    for name, shape in _model_shapes(file, config).items():
        module, _, leaf = name.rpartition(".")
        wanted[name] = (f"{names.get_name(module)}.{leaf}", shape)
    found = {name: tensor.shape for name, tensor in file.tensors.items()}
    asked = dict(wanted.values())
    if found != asked:
        odd = sorted(name for name in {*found, *asked} if found.get(name) != asked.get(name))
        raise file.refusal(
            f"does not hold the tensors of its {config['architectures'][0]}: {len(odd)} differ, "
            f"such as {odd[0]} ({found.get(odd[0], 'missing')}, not {asked.get(odd[0], 'needed')})"
        )
    return wanted


def _model_shapes(file: GgufFile, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the model's weights; tied ones once. Nothing is allocated."""
    rest = {key: value for key, value in config.items() if key != "model_type"}
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(
                AutoConfig.for_model(config["model_type"], **rest)
            )
    except Exception as error:  # sizes that do not fit each other fail wherever they meet
        raise file.refusal(f"describes no possible model ({error})") from error
    return {name: tuple(weight.shape) for name, weight in model.named_parameters()}


def _tensor(file: GgufFile, name: str, config: dict[str, Any]) -> torch.Tensor:
    """One weight as float32.

    Raises:
        SettingError: it is stored in a way that cannot be undone, or holds no finite numbers.
    """
    tensor = file.tensors[name]
    kind = GGMLQuantizationType(tensor.kind)
    stored = np.memmap(file.path, np.uint8, "r", tensor.start, (tensor.size,))
    try:
        rows = stored.reshape(quant_shape_to_byte_shape(tensor.shape, kind))
        values = dequantize(rows, kind)
    except NotImplementedError as error:
        raise file.refusal(f"stores {name} as {kind.name}, which gguf cannot undo") from error
    if name.endswith((".attn_q.weight", ".attn_q.bias", ".attn_k.weight", ".attn_k.bias")):
        values = _rotated_as_trained(file, name, values, config)
    if not np.isfinite(values).all():
        raise file.refusal(f"holds values in {name} that are not finite")
    return torch.from_numpy(np.array(values, np.float32, order="C"))


def _rotated_as_trained(
    file: GgufFile, name: str, values: np.ndarray, config: dict[str, Any]
) -> np.ndarray:
    """Rows of a head in the order of Hugging Face's Llama: (0, 2, 4, ..., 1, 3, 5, ...).

    For Llama alone llama.cpp puts the two halves of a head, which are rotated against each other,
    side by side (`permute` in its convert_hf_to_gguf.py); Qwen's stay as they are.
    """
    if file.architecture != "llama":
        return values
    heads = config["num_attention_heads" if ".attn_q." in name else "num_key_value_heads"]
    pairs = values.reshape(heads, -1, 2, *values.shape[1:])
    return pairs.swapaxes(1, 2).reshape(values.shape)

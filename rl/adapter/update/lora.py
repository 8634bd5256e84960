"""Adapters of the policy: merged copies for the engines and for export.

OpenRLHF sends an adapted model's parameters under peft's own names, which no engine knows (issues
546, 991, 1349). Here each weight is merged on a copy and named as in the base model. The base
itself is never written: merging in place and taking the sum apart again would round it each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deepspeed
import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer

PREFIX = "base_model.model."
ADAPTER = "default"
TOGETHER = 32


def weights(model: torch.nn.Module, sharded: bool = False) -> Iterator[tuple[str, torch.Tensor]]:
    """Each weight of the model that is served, by its name there, one at a time.

    Adapters come merged, W + (alpha / rank) B A, summed in float32 and cast to the dtype of W.

    Args:
        model: a plain model, or a `PeftModel` with LoRA of linear layers.
        sharded: the parameters are ZeRO-3 shards; every rank must then run the iterator.

    Returns:
        An iterator over copies, on the parameters' device.
    """
    adapted = _adapted(model)
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            continue
        layer = adapted.get(name)
        needed = list(layer.parameters()) if layer is not None else [parameter]
        with deepspeed.zero.GatheredParameters(needed, enabled=sharded), torch.no_grad():
            weight = parameter.detach().clone() if layer is None else _merged(parameter, layer)
        yield name.removeprefix(PREFIX).replace(".base_layer.", "."), weight


def _adapted(model: torch.nn.Module) -> dict[str, Any]:
    """The layers with an adapter, by the name of the weight that it changes."""
    return {
        f"{name}.base_layer.weight": module
        for name, module in model.named_modules()
        if isinstance(module, LoraLayer)
    }


def _merged(weight: torch.Tensor, layer: Any) -> torch.Tensor:
    delta: torch.Tensor = layer.get_delta_weight(ADAPTER)
    return (weight.float() + delta.float()).to(weight.dtype)


def portions(model: PeftModel, sharded: bool) -> Iterator[dict[str, torch.nn.Parameter]]:
    """The merged weights by name, at most `TOGETHER` at once on the device."""
    portion: dict[str, torch.nn.Parameter] = {}
    for name, weight in weights(model, sharded):
        portion[name] = torch.nn.Parameter(weight, requires_grad=False)
        portion[name].ds_shape = weight.shape  # type: ignore[attr-defined]  # OpenRLHF reads it
        if len(portion) == TOGETHER:
            yield portion
            portion = {}
    if portion:
        yield portion


def save_adapter(model: PeftModel, folder: Path, sharded: bool = False) -> None:
    """Write what `PeftModel.from_pretrained(base, folder)` loads; every rank must call this."""
    adapters = {}
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            with deepspeed.zero.GatheredParameters([parameter], enabled=sharded):
                adapters[name] = parameter.detach().cpu().clone()
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        model.save_pretrained(str(folder), state_dict=adapters, save_embedding_layers=False)

"""The way into transformers: an attention that follows a tree where it is given one.

    install(model)
    model(tree.ids[None], position_ids=tree.depth[None], attention_mask=no_mask(), tree=tree)

Without a tree the model does exactly what it did before. The tree travels as an argument down to
the layers, so that gradient checkpointing, which calls them again later, passes it on too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from rl.prefix.edges import edge_attention, proved
from rl.prefix.flex import flex
from rl.prefix.plain import plain_attention
from rl.prefix.tree import PrefixTree

_installed: set[str] = set()
"""Names of attentions that follow a tree by now."""

KNOWN = ("gemma", "gemma3_text", "llama", "mistral", "qwen2", "qwen3")
"""Model types whose layers have been read: causal attention and layers of one token at a time."""

FIXED_ROTARY = ("default", "linear", "llama3", "yarn")
"""Rotary embeddings whose angles are a function of the position alone."""


UNSUPPORTED = ("attn_logit_softcapping", "attention_dropout", "use_bidirectional_attention")
"""Settings of those models that our attention would leave out."""


def refusal(config: Any) -> str:
    """Why rows of a model with this configuration cannot be a tree; empty if they can."""
    if config.model_type not in KNOWN:
        return f"model type {config.model_type!r} is none of {', '.join(KNOWN)}"
    if config._attn_implementation not in ALL_ATTENTION_FUNCTIONS:
        return f"attention {config._attn_implementation!r} cannot follow a tree; sdpa can"
    for name in UNSUPPORTED:
        if getattr(config, name, None):
            return f"{name}={getattr(config, name)} is not supported"
    rotary = getattr(config, "rope_parameters", None) or {}
    layers = [rotary] if "rope_type" in rotary else [r for r in rotary.values() if r]
    for layer in layers:
        if isinstance(layer, dict) and layer.get("rope_type", "default") not in FIXED_ROTARY:
            return f"rotary embeddings of type {layer['rope_type']!r} depend on the row's length"
    return ""


def install(model: PreTrainedModel) -> None:
    """Let a model's attention follow a tree; without one, it stays as it is.

    Raises:
        ValueError: it cannot, with the reason.
    """
    config = model.config
    if reason := refusal(config):
        raise ValueError(f"prefixes cannot be shared: {reason}")
    base = config._attn_implementation
    if base in _installed:
        return

    def attention(
        module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **how: Any
    ) -> Any:
        tree = how.pop("tree", None)
        if tree is None:
            return stock(module, query, key, value, mask, **how)
        window = how.get("sliding_window") or 0
        out = tree_attention(query, key, value, tree, how["scaling"], window)
        return out.transpose(1, 2).contiguous(), None

    # Under its own name: transformers' flash attention looks itself up by what the model names.
    stock = ALL_ATTENTION_FUNCTIONS[base]
    AttentionInterface.register(base, attention)
    _installed.add(base)


def tree_attention(
    query: Tensor, key: Tensor, value: Tensor, tree: PrefixTree, scale: float, window: int = 0
) -> Tensor:
    """The fastest form that is right here; shapes as in `plain_attention`."""
    if query.is_cuda:
        return flex(query, key, value, tree, scale, window)
    if not window and not proved(query.dtype):
        return edge_attention(query, key, value, tree, scale)
    return plain_attention(query, key, value, tree, scale, window)


def no_mask(device: torch.device | str = "cpu") -> Tensor:
    """A mask that transformers takes for finished, and our attention does not look at."""
    return torch.zeros(1, 1, 1, 1, device=device)

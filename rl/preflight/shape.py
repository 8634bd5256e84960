"""The sizes of a model that memory and plans depend on, from its config.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentflow_graph.errors import SettingError


@dataclass(frozen=True)
class Shape:
    """Of a causal language model; tied embeddings count once."""

    architecture: str
    parameters: int
    layers: int
    hidden: int
    feed_forward: int
    vocabulary: int
    window: int
    """Tokens of prompt and reply together that its positions reach."""
    kv_heads: int
    head_size: int
    linear: tuple[tuple[str, int], ...]
    """By name of the layer, such as q_proj: its inputs and outputs, summed over all layers."""

    def adapters(self, rank: int, targets: Sequence[str]) -> int:
        """Parameters of LoRA's adapters (arXiv 2106.09685) on `targets`; none named: on all."""
        return rank * sum(size for name, size in self.linear if not targets or name in targets)

    def cache(self, bytes_each: int) -> int:
        """Bytes of the KV cache of one token."""
        return 2 * self.layers * self.kv_heads * self.head_size * bytes_each

    @property
    def billions(self) -> str:
        """The number of parameters for a reader."""
        number = self.parameters
        return f"{number / 1e9:.2f} billion" if number > 1e8 else f"{number / 1e6:.2f} million"


def shape_of(record: Mapping[str, Any]) -> Shape:
    """The shape of the model that a config.json describes; built on no device, so exact and free.

    Raises:
        SettingError: transformers knows no such causal language model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    rest = {key: value for key, value in record.items() if key != "model_type"}
    try:
        config = AutoConfig.for_model(record["model_type"], **rest)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
        heads = config.num_attention_heads
        return Shape(
            architecture=type(model).__name__,
            parameters=model.num_parameters(),
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            feed_forward=config.intermediate_size,
            vocabulary=config.vocab_size,
            window=config.max_position_embeddings,
            kv_heads=config.num_key_value_heads,
            head_size=record.get("head_dim") or config.hidden_size // heads,
            linear=_linear(model),
        )
    except Exception as error:
        raise SettingError(
            f"its config.json describes no causal language model that transformers knows "
            f"({type(error).__name__}: {error})"
        ) from error


def _linear(model: Any) -> tuple[tuple[str, int], ...]:
    """The linear layers but the output layer, which peft leaves out too."""
    import torch

    sizes: Counter[str] = Counter()
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module is not model.get_output_embeddings():
            sizes[path.rpartition(".")[2]] += module.in_features + module.out_features
    return tuple(sorted(sizes.items()))

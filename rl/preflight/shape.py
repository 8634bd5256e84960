"""The sizes of a model that memory and plans depend on, from its config.json alone."""

from __future__ import annotations

from collections.abc import Mapping
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
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise SettingError(
            f"its config.json describes no causal language model that transformers knows "
            f"({type(error).__name__}: {error})"
        ) from error

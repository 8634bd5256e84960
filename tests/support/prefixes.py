"""Tiny models and ragged rows to hold a prefix tree against padded rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import (
    Gemma3TextConfig,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)
from transformers.models.auto import AutoModelForCausalLM

from rl.prefix.logprobs import of_batch
from rl.prefix.tree import PrefixTree

VOCABULARY, WINDOW = 61, 5

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.15,
    "tie_word_embeddings": False,
}
SLIDING: dict[str, Any] = {"sliding_window": WINDOW, "head_dim": 8}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "qwen2": lambda: Qwen2Config(**SIZES),
    "qwen2 tied": lambda: Qwen2Config(**SIZES | {"tie_word_embeddings": True}),
    "qwen3": lambda: Qwen3Config(**SIZES, head_dim=8),
    "llama": lambda: LlamaConfig(**SIZES | {"num_key_value_heads": 1}),
    "gemma": lambda: GemmaConfig(**SIZES, head_dim=8),
    "gemma3": lambda: Gemma3TextConfig(
        **SIZES,
        **SLIDING,
        query_pre_attn_scalar=8,
        layer_types=["sliding_attention", "full_attention"],
    ),
    "mistral": lambda: MistralConfig(**SIZES, **SLIDING),
}
"""By name; the windows are shorter than the rows."""


def changed(name: str, **more: Any) -> PreTrainedConfig:
    """A configuration with other settings."""
    config = CONFIGS[name]()
    return type(config)(**config.to_dict() | more)


def rotary(kind: str, **more: Any) -> dict[str, Any]:
    """The `rope_parameters` of a kind of rotary embedding."""
    known = {"rope_theta": 10_000.0, "factor": 2.0, "original_max_position_embeddings": 32}
    return known | {"rope_type": kind} | more


class Batch(NamedTuple):
    """Padded rows and what is asked of them: the arguments of `of_batch`."""

    sequences: Tensor
    chosen: Tensor
    attended: Tensor


def tiny(model: str | PreTrainedConfig, attention: str = "sdpa") -> PreTrainedModel:
    """A model of random weights, large enough that every token it reads shows."""
    torch.manual_seed(0)
    config = CONFIGS[model]() if isinstance(model, str) else model
    made: PreTrainedModel = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    for weight in made.parameters():
        if weight.ndim == 1:  # norms are 1 or 0, biases 0 at first: a wrong one would not show
            weight.data += 0.1 * torch.randn_like(weight)
    made.eval()
    return made


def group(seed: int = 0) -> list[list[int]]:
    """Rows of two questions in three runs of three turns, and all that is odd beside them."""
    draw = torch.Generator().manual_seed(seed)

    def ids(count: int) -> list[int]:
        return torch.randint(1, VOCABULARY, (count,), generator=draw).tolist()

    rules = ids(9)
    rows = []
    for _ in range(2):
        question = rules + ids(3)
        for _ in range(3):
            memory: list[int] = []
            for turn in range(3):
                rows.append(question + memory + ids(2 + turn))
                memory += ids(4)
    return [*rows, rows[0], rows[1][:-2], rows[1], ids(1), ids(6)]


def batch(rows: list[list[int]], seed: int = 1, blanks: int = 2) -> Batch:
    """The rows padded, half of their tokens wanted, behind them blanks of which none is."""
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([len(row) for row in rows] + [2] * blanks)
    width = int(lengths.max())
    sequences = torch.tensor([row + [0] * (width - len(row)) for row in rows + [[0, 0]] * blanks])
    attended = (torch.arange(width) < lengths[:, None]).long()
    chosen = (torch.rand(len(lengths), width - 1, generator=draw) < 0.5) & (attended[:, 1:] > 0)
    chosen[len(rows) :] = False
    return Batch(sequences, chosen, attended)


def padded(model: Any, given: Batch, temperature: float = 1.0) -> Tensor:
    """(B, T-1) log-probabilities of the chosen tokens, each row by itself."""
    logits = model(given.sequences, attention_mask=given.attended).logits[:, :-1].float()
    every = (logits / temperature).log_softmax(-1)
    found: Tensor = every.gather(2, given.sequences[:, 1:, None])[..., 0] * given.chosen
    return found


def shared(model: Any, given: Batch, temperature: float = 1.0) -> Tensor:
    """The same through the rows' tree."""
    return of_batch(model, *given, temperature)[0]


class Learned(NamedTuple):
    """What a way of computing rows gives."""

    log_probs: Tensor
    gradient: Tensor


def learned(model: Any, log_probs: Tensor) -> Learned:
    """With the gradient of a sum that weighs each token otherwise, of all that is trained."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        weight.grad = None
    draw = torch.Generator().manual_seed(2)
    (log_probs * torch.randn(log_probs.shape, generator=draw)).sum().backward()
    assert [weight.shape for weight in weights if weight.grad is None] == []
    return Learned(
        log_probs.detach().float(), torch.cat([w.grad.flatten().double() for w in weights])
    )


class Distance(NamedTuple):
    """Of two ways."""

    log_probs: float
    """The largest."""
    gradient: float
    """Relative, of the whole."""
    turned: float
    """1 - cos of the gradients."""

    @property
    def exact(self) -> bool:
        """But for rounding in float32."""
        return self.log_probs <= 1e-5 and self.gradient <= 1e-5 and self.turned <= 1e-10

    @property
    def wrong(self) -> bool:
        """By far more than rounding, in each number."""
        return min(self) > 1e-3


def distance(one: Learned, other: Learned) -> Distance:
    """How far the second is from the first."""
    size = one.gradient.norm()
    cosine = one.gradient @ other.gradient / size / other.gradient.norm()
    return Distance(
        float((one.log_probs - other.log_probs).abs().max()),
        float((one.gradient - other.gradient).norm() / size),
        float(1 - cosine),
    )


def blind(model: Any) -> Callable[..., Any]:
    """The model as it would be without a tree: each node looks at all before it."""

    def call(ids: Tensor, *, attention_mask: Tensor, tree: PrefixTree, **how: Any) -> Any:
        return model(ids, attention_mask=torch.ones_like(ids), **how)

    return call


def astray(model: Any) -> Callable[..., Any]:
    """The model with the number of a node in the place of its depth."""

    def call(ids: Tensor, *, position_ids: Tensor, **how: Any) -> Any:
        return model(ids, position_ids=torch.arange(ids.shape[1])[None], **how)

    return call

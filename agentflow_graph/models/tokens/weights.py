"""A planner's folder on disk: what it says of itself, its window, and its weights in memory.

    trained_under(folder)["layout"], window_of(folder)
    model = causal_model(folder)

A folder may come from anybody. Nothing in it is run, and one that is damaged is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agentflow_graph.errors import SettingError
from agentflow_graph.record.artifacts import read_as, read_object

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ORIGIN = "take the planner's own file, or name another folder"
WINDOWS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""What a `config.json` calls the window."""


class Trained(BaseModel):
    """What `agentflow.json` says of a planner's training; more may stand there."""

    model_config = ConfigDict(extra="allow", strict=True)

    # The defaults are not looked at: what is not said is left out.
    layout: Literal["auto", "terse", "static_first", "paper"] = "static_first"
    passages: int = Field(3, ge=1)
    memory_tokens: int = Field(1, ge=1)
    tools: list[str] = []
    steps: int = Field(0, ge=0)
    start: dict[str, Any] = {}


def trained_under(folder: Path) -> dict[str, Any]:
    """What `agentflow.json` of a planner's folder says of its training; empty if there is none.

    Raises:
        SettingError: it is damaged.
    """
    record = folder / "agentflow.json"
    if not record.exists():
        return {}
    return read_as(Trained, record, ORIGIN).model_dump(exclude_unset=True)


def window_of(folder: Path) -> int:
    """Tokens of prompt and reply together that the model of a folder takes.

    Raises:
        SettingError: its `config.json` is missing or damaged, or says nothing of it.
    """
    path = folder / "config.json"
    config = read_object(path, ORIGIN)
    inner = config.get("text_config")
    config = {**(inner if isinstance(inner, dict) else {}), **config}
    for name in WINDOWS:
        if isinstance(config.get(name), int) and config[name] > 0:
            return int(config[name])
    raise SettingError(f"{path} does not tell the model's window; add max_position_embeddings")


def causal_model(folder: str | Path) -> PreTrainedModel:
    """The language model of a Hugging Face folder, float32 on the CPU; no code in it is run.

    Raises:
        SettingError: it is damaged, or its weights are not all there.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        found: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
        )
    except Exception as error:  # the library passes on whatever a damaged folder leads to
        told = " ".join(str(error).split())[:300]
        raise SettingError(
            f"{folder} holds no language model that transformers loads ({type(error).__name__}: "
            f"{told}); name a folder with config.json and all files of the weights"
        ) from error
    model: PreTrainedModel = found[0]
    if lacking := sorted(found[1]["missing_keys"]):  # they would be made up at random
        raise SettingError(
            f"the weights in {folder} lack {len(lacking)} tensors, such as {lacking[0]}; name a "
            "folder with all files of the weights"
        )
    return model

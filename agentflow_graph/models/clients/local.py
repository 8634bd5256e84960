"""A policy in this process, by transformers.

It returns the same tokens for the same prompt as a server or the trainer's engine does and, in
float32, log-probabilities equal to 1e-3 (tested).
"""

import asyncio
import json
from pathlib import Path
from threading import Lock
from typing import Any

from agentflow_graph.errors import SettingError
from agentflow_graph.models.tokens.sampling import Completion, Sampling, room_for_reply
from agentflow_graph.models.tokens.tokenizer import PolicyTokenizer


class LocalPolicy:
    """transformers in this process, float32 on the CPU; calls queue up one behind the other."""

    def __init__(self, folder: str | Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if not (Path(folder) / "config.json").exists():
            raise SettingError(f"no config.json in {folder}; name a Hugging Face model folder")
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._window = window_of(folder)
        self._ends = PolicyTokenizer.load(folder).ends
        self._lock = Lock()

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`; the model runs in a thread, off the event loop."""
        room = room_for_reply(prompt_ids, self._window, "lower memory_tokens or passages")
        return await asyncio.to_thread(self._sample, prompt_ids, sampling, room)

    def _sample(self, prompt_ids: list[int], sampling: Sampling, room: int) -> Completion:
        import torch

        drawn = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
        ids = torch.tensor([prompt_ids])
        with self._lock, torch.inference_mode():
            if sampling.seed:
                torch.manual_seed(sampling.seed)
            out = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=min(sampling.max_tokens, room),
                eos_token_id=list(self._ends),
                pad_token_id=self._ends[0],
                output_scores=True,
                return_dict_in_generate=True,
                **(drawn if sampling.temperature else {"do_sample": False}),
            )
            scores = self._model.compute_transition_scores(
                out.sequences, out.scores, normalize_logits=True
            )
        tokens = out.sequences[0, len(prompt_ids) :].tolist()
        reason = "stop" if tokens[-1] in self._ends else "length"
        return Completion(tokens, scores[0].tolist(), reason)


def window_of(folder: str | Path) -> int:
    """Tokens of the window of the model in `folder`.

    Raises:
        SettingError: its `config.json` cannot be read or does not tell.
    """
    path = Path(folder) / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be read ({error}); copy it from the model") from error
    config = {**config.get("text_config", {}), **config}
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        if isinstance(config.get(name), int):
            return int(config[name])
    raise SettingError(f"{path} does not tell the model's window; add max_position_embeddings")

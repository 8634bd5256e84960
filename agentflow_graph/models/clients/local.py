"""A policy in this process, by transformers.

It returns the same tokens for the same prompt as a server or the trainer's engine does and, in
float32, log-probabilities equal to 1e-3 (tested).
"""

from pathlib import Path
from threading import Lock
from typing import Any

from agentflow_graph.errors import SettingError, model_inside
from agentflow_graph.errors.threads import in_thread
from agentflow_graph.models.tokens.sampling import Completion, Sampling, room_for_reply
from agentflow_graph.models.tokens.tokenizer import PolicyTokenizer
from agentflow_graph.models.tokens.weights import causal_model, window_of


class LocalPolicy:
    """transformers in this process, float32 on the CPU; calls queue up one behind the other."""

    def __init__(self, folder: str | Path) -> None:
        if not (Path(folder) / "config.json").exists():
            told = f"no config.json in {folder}{model_inside(folder)}"
            raise SettingError(f"{told}; name a Hugging Face model folder")
        self._model: Any = causal_model(folder).eval()
        self._window = window_of(Path(folder))
        self._ends = PolicyTokenizer.load(folder).ends
        self._lock = Lock()

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`; the model runs in a thread, off the event loop."""
        room = room_for_reply(prompt_ids, self._window, "lower memory_tokens or passages")
        return await in_thread(self._sample, prompt_ids, sampling, room)

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

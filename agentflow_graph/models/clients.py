"""Two of the three policy clients: transformers in this process, and a vLLM server over HTTP.

The third, an engine actor, belongs to the trainer (`rl/adapter`). Each returns the same tokens for
the same prompt and, in float32, log-probabilities equal to 1e-3 (tested).
"""

import asyncio
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from agentflow_graph.errors import ModelError, PromptTooLong, SettingError
from agentflow_graph.errors.outside import shown
from agentflow_graph.models.policy import Completion, PolicyTokenizer, Sampling, room_for_reply
from agentflow_graph.models.weights import causal_model


class LocalPolicy:
    """transformers in this process, float32 on the CPU; calls queue up one behind the other."""

    def __init__(self, folder: str | Path) -> None:
        if not (Path(folder) / "config.json").exists():
            raise SettingError(f"no config.json in {folder}; name a Hugging Face model folder")
        self._model: Any = causal_model(folder).eval()
        self._window: int = self._model.config.max_position_embeddings
        self._eos = PolicyTokenizer.load(folder).eos_id
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
                eos_token_id=self._eos,
                pad_token_id=self._eos,
                output_scores=True,
                return_dict_in_generate=True,
                **(drawn if sampling.temperature else {"do_sample": False}),
            )
            scores = self._model.compute_transition_scores(
                out.sequences, out.scores, normalize_logits=True
            )
        tokens = out.sequences[0, len(prompt_ids) :].tolist()
        reason = "stop" if tokens[-1] == self._eos else "length"
        return Completion(tokens, scores[0].tolist(), reason)


class ServerPolicy:
    """A vLLM server, spoken to in token ids through its completions endpoint.

    Start the server with `--logprobs-mode processed_logprobs`, so that log-probabilities belong to
    the tempered distribution, and with `--tokenizer <model>/tokenizer` for our own planners.
    """

    def __init__(self, url: str, eos_id: int, timeout: float = 120.0) -> None:
        self.url = url.rstrip("/")
        self._eos = eos_id
        self._model = ""
        self._window = sys.maxsize
        # No connection outlives its call, so that any event loop may make the next one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=timeout, limits=limits)

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`."""
        if not self._model:
            card = (await self._call("GET", "/v1/models"))["data"][0]
            # vLLM tells its window, and refuses to be asked for more than that.
            self._window, self._model = card.get("max_model_len", sys.maxsize), card["id"]
        remedy = f"lower memory_tokens or passages, or raise --max-model-len of {self.url}"
        room = room_for_reply(prompt_ids, self._window, remedy)
        body = {
            "model": self._model,
            "prompt": prompt_ids,
            "temperature": sampling.temperature,
            "max_tokens": min(sampling.max_tokens, room),
            "logprobs": 0,
            "return_token_ids": True,
            "add_special_tokens": False,
            "stop_token_ids": [self._eos],
            "seed": sampling.seed or None,
        }
        choice = (await self._call("POST", "/v1/completions", body))["choices"][0]
        logprobs = choice["logprobs"]["token_logprobs"]
        return Completion(choice["token_ids"], logprobs, choice["finish_reason"])

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ModelError(
                f"no answer from {self.url} ({type(error).__name__}); is the server running?"
            ) from error
        if answer.is_error:
            kind = PromptTooLong if "context length" in answer.text else ModelError
            raise kind(
                f"{self.url}{path} answered {answer.status_code}: {shown(answer.text)[:300]}"
            )
        return answer.json()

"""The planner that ships with the package, in numpy: it needs neither torch nor transformers.

For the same prompt it gives the tokens of `LocalPolicy` at temperature 0, and log-probabilities
equal to 3e-5 (tested). With a temperature it draws by a generator of its own: a seed gives the same
reply again, but not the one that torch draws from that seed.
"""

from pathlib import Path

import numpy as np

from agentflow_graph.errors.threads import in_thread
from agentflow_graph.models.clients.qwen2 import Array, Qwen2
from agentflow_graph.models.tokens.sampling import Completion, Sampling, room_for_reply
from agentflow_graph.models.tokens.tokenizer import PolicyTokenizer
from agentflow_graph.models.tokens.weights import window_of


class NanoPolicy:
    """A small Qwen2 in this process; raises SettingError if its folder is damaged."""

    def __init__(self, folder: Path) -> None:
        self._network = Qwen2.load(folder)
        self._window = window_of(folder)
        self._ends = PolicyTokenizer.load(folder).ends

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """See `PolicyClient`; the network runs in a thread, off the event loop."""
        room = room_for_reply(prompt_ids, self._window, "lower memory_tokens or passages")
        return await in_thread(self._sample, prompt_ids, sampling, room)

    def _sample(self, prompt_ids: list[int], sampling: Sampling, room: int) -> Completion:
        chance = np.random.default_rng(sampling.seed or None)
        memory, tokens, logprobs = self._network.begin(), [], []
        given = prompt_ids
        for _ in range(min(sampling.max_tokens, room)):
            logits = self._network.follow(given, memory)
            told = log_softmax(logits / np.float32(sampling.temperature or 1.0))
            token = _drawn(told, chance) if sampling.temperature else int(told.argmax())
            tokens.append(token)
            logprobs.append(float(told[token]))
            if token in self._ends:
                return Completion(tokens, logprobs, "stop")
            given = [token]
        return Completion(tokens, logprobs, "length")


def log_softmax(x: Array) -> Array:
    """Natural log-probabilities (vocabulary) of logits."""
    low = x - x.max()
    told: Array = low - np.log(np.exp(low).sum())
    return told


def _drawn(logprobs: Array, chance: np.random.Generator) -> int:
    """One token by its probability."""
    reached = np.cumsum(np.exp(logprobs, dtype=np.float64))
    return int(np.searchsorted(reached, chance.random() * reached[-1], side="right"))

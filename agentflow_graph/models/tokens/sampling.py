"""One reply in tokens: how it is drawn, what comes back, and who draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agentflow_graph.errors import PromptTooLong


@dataclass(frozen=True)
class Sampling:
    """How one reply is drawn: no top-k, no penalties; `seed` 0 draws without a fixed seed."""

    temperature: float = 0.7
    max_tokens: int = 2048
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One sampled reply.

    `logprobs[i]` is the natural log-probability of `token_ids[i]` under the tempered distribution
    it was sampled from; `policy_version` counts weight updates of whoever answered.
    """

    token_ids: list[int]
    logprobs: list[float]
    finish_reason: str
    policy_version: int = 0


def room_for_reply(prompt_ids: Sequence[int], window: int, remedy: str) -> int:
    """Tokens that `prompt_ids` leave for a reply in a window of `window` tokens, at least 1.

    Raises:
        PromptTooLong: they leave none; the message ends with `remedy`.
    """
    room = window - len(prompt_ids)
    if room < 1:
        raise PromptTooLong(
            f"the prompt has {len(prompt_ids)} tokens and the window {window}: no room for a "
            f"reply; {remedy}"
        )
    return room


class PolicyClient(Protocol):
    """Where replies are sampled: in process, on a vLLM server, or in the trainer's engine."""

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """One reply to `prompt_ids`; raises ModelError, and PromptTooLong if none would fit."""
        ...

"""A model that judges open answers where the rule says no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from agentflow_graph.crew import Chat
from agentflow_graph.models import chat_model


@dataclass(frozen=True)
class Verdict:
    """What the judge said; `correct` is None where the answer could not be judged."""

    correct: bool | None
    reason: str = ""
    error: str = ""
    """Empty, or why there is no verdict: `timeout`, `off the menu`, `model failed`."""
    input_tokens: int = 0
    output_tokens: int = 0


class Judge:
    """Asks a chat model whether an answer means the same as a gold answer."""

    def __init__(self, model: Chat, name: str, seconds: float = 60.0) -> None:
        self.model, self.name, self.seconds = model, name, seconds

    @classmethod
    def of(cls, spec: str, seconds: float = 60.0) -> Self:
        """The judge that a model string names; raises SettingError for what is wrong or missing."""
        return cls(chat_model(spec, 0.0, 300), spec, seconds)

    async def __call__(self, question: str, golds: Sequence[str], reply: str) -> Verdict:
        """Judge one reply."""
        return Verdict(None, error="model failed")

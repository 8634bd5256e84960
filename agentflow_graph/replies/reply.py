"""The parts of a model's reply: what it thought, what it said, why it stopped.

What it thought is recorded and read by nobody. A reply that is empty or was cut off is a fault of
that one call.
"""

from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from agentflow_graph.errors import ReplyError
from agentflow_graph.replies.reasoning import reasoning_beside, split_reasoning

CUT_OFF = ("length", "max_tokens", "model_length", "max_output_tokens", "incomplete")
"""Reasons for stopping that mean there was more to say, in lower case."""
FILTERED = ("content_filter", "safety", "refusal", "prohibited_content", "blocklist")
"""Reasons for stopping that mean somebody did not want it said, in lower case."""


class NoReply(ReplyError):
    """A reply is empty or was cut off."""


@dataclass(frozen=True)
class Reply:
    """What came of one call."""

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    """As the provider says it; empty where it does not."""

    @classmethod
    def of(cls, message: BaseMessage) -> "Reply":
        """The parts of a model's message."""
        thought, text = split_reasoning(str(message.text))
        thoughts = (reasoning_beside(message), thought)
        return cls(text, "\n".join(filter(None, thoughts)), finish_of(message))

    @property
    def fault(self) -> str:
        """Why there is nothing to read; empty if there is."""
        return fault_of(self.text, self.reasoning, self.finish_reason)


def fault_of(text: str, reasoning: str, finish_reason: str) -> str:
    """Why a reply has nothing to read; empty if it has."""
    reason = finish_reason.lower()
    after = " after its reasoning" if reasoning else ""
    if reason in CUT_OFF:
        said = (
            "in the middle of its reasoning" if reasoning and not text.strip() else "at its limit"
        )
        return f"the reply was cut off {said}; raise reply_tokens"
    if text.strip():
        return ""
    if reason in FILTERED:
        return f"the model or its provider refused to reply ({finish_reason})"
    return f"the reply has no text{after}"


def finish_of(message: BaseMessage) -> str:
    """Why the model stopped, as its provider says it."""
    told = message.response_metadata
    for name in ("finish_reason", "stop_reason", "done_reason", "status"):
        if isinstance(told.get(name), str) and told[name]:
            return str(told[name])
    return "refusal" if message.additional_kwargs.get("refusal") else ""

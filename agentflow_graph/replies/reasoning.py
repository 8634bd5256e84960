"""Reasoning of a model, kept apart from its reply: it is recorded and read by nobody."""

from langchain_core.messages import AIMessage


def reasoning_of(message: AIMessage) -> str:
    """What the model thought aloud, where its provider says so; empty for most models."""
    beside = message.additional_kwargs.get("reasoning_content")
    if isinstance(beside, str):
        return beside
    if isinstance(message.content, str):
        return ""
    blocks = (block for block in message.content if isinstance(block, dict))
    thoughts = (block.get("thinking") or block.get("reasoning") or "" for block in blocks)
    return "\n".join(str(thought) for thought in thoughts if thought)

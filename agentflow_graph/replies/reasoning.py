"""Reasoning of a model, kept apart from its reply: it is recorded and read by nobody."""

import re

from langchain_core.messages import AIMessage

# Servers that do not part reasoning from the reply leave one of these around it.
_OPENED = re.compile(
    r"<\s?(think|thinking|thought|reasoning|scratchpad|reflection)\s?>"
    r"|\[THINK\]|\u25c1think\u25b7",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"<\s?/\s?(think|thinking|thought|reasoning|scratchpad|reflection)\s?>"
    r"|\[/THINK\]|\u25c1/think\u25b7",
    re.IGNORECASE,
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|constrain\|>\w*)?<\|message\|>")


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


def without_reasoning(text: str) -> str:
    """The reply after what the model thought aloud in its text.

    Thought that nobody closed goes on to the end. A closing mark alone ends what the prompt opened.
    """
    channels = list(_FINAL_CHANNEL.finditer(text))
    text = text[channels[-1].end() :] if channels else text
    kept: list[str] = []
    depth = place = 0
    marks = sorted(
        [(m.start(), m.end(), 1) for m in _OPENED.finditer(text)]
        + [(m.start(), m.end(), -1) for m in _CLOSED.finditer(text)]
    )
    for start, end, step in marks:
        if step < 0 and depth == 0:
            kept = []  # all before it was thought
        elif depth == 0:
            kept.append(text[place:start])
        depth = max(0, depth + step)
        place = end
    return "".join([*kept, text[place:] if depth == 0 else ""])

"""Reasoning of a model, kept apart from its reply: it is recorded and read by nobody.

Models put it in tags of many spellings, with or without the opening one (chat templates often end
in it), or their providers put it into a field beside the text.
"""

import re
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage

_NAME = r"(?:[a-z]{1,20}[:_])?(?:think(?:ing)?|thoughts?|reasoning|reflection|scratch_?pad)"
_TAGS = re.compile(
    # <think>, <THINKING>, <seed:think>, ◁think▷; attributes and blanks inside. [THINK].
    rf"[<◁]\s{{0,3}}(?P<close>/)?\s{{0,3}}{_NAME}(?:\s[^<>▷]{{0,99}})?[>▷]"
    r"|(?-i:\[(?P<shut>/)?THINK(?:ING)?\])"
    # <|begin_of_thought|>, <|START_THINKING|>, <|end_of_thought|>, <|/think|>
    r"|<\|\s*(?P<end>end|/)?(?:begin|start)?(?:_of)?_?think(?:ing)?\s*\|>"
    r"|<\|\s*(?P<over>end)?(?:begin|start)?_of_thoughts?\s*\|>",
    re.IGNORECASE,
)
_CLOSING = ("close", "shut", "end", "over")
_CHANNEL = re.compile(
    r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?P<channel>\w+)[^<]*<\|message\|>"
    r"(?P<text>.*?)(?=<\|end\|>|<\|return\|>|<\|start\|>|<\|channel\|>|<\|call\|>|\Z)",
    re.DOTALL,
)
"""gpt-oss, where a server does not read its format."""
BESIDE = ("reasoning_content", "reasoning", "thinking")


def split_reasoning(text: str) -> tuple[str, str]:
    """Reasoning and reply of a text.

    What stands before a closing tag that was never opened is reasoning, and so is a text that
    begins with an opening tag and never closes it.
    """
    if "<|channel|>" in text:
        return _channels(text)
    thoughts: list[str] = []
    said: list[str] = []
    depth = at = opened = before = 0
    for tag in _TAGS.finditer(text):
        part = text[at : tag.start()]
        if not any(tag[name] for name in _CLOSING):
            (thoughts if depth else said).append(part)
            if not depth:
                opened, before = tag.start(), len(thoughts)
            depth += 1
        elif depth:
            thoughts.append(part)
            depth -= 1
        else:
            thoughts, said = [*thoughts, *said, part], []
        at = tag.end()
    if depth and "".join(said).strip():
        at, depth, thoughts = opened, 0, thoughts[:before]  # a tag that is spoken of
    (thoughts if depth else said).append(text[at:])
    if not at:
        return "", text
    return "".join(thoughts).strip(), "".join(said).strip()


def without_reasoning(text: str) -> str:
    """The reply alone."""
    return split_reasoning(text)[1]


def _channels(text: str) -> tuple[str, str]:
    parts = [(one["channel"].lower(), one["text"].strip()) for one in _CHANNEL.finditer(text)]
    said = [said for name, said in parts if name == "final"]
    thoughts = [said for name, said in parts if name != "final"]
    return "\n".join(thoughts), said[-1] if said else ""


def reasoning_of(message: BaseMessage) -> str:
    """What the model thought aloud; empty for most models."""
    thought = split_reasoning(str(message.text))[0]
    return "\n".join(filter(None, (reasoning_beside(message), thought)))


def reasoning_beside(message: BaseMessage) -> str:
    """What the provider keeps apart from the text."""
    for name in BESIDE:
        beside = message.additional_kwargs.get(name)
        if isinstance(beside, str) and beside:
            return beside
    if isinstance(message.content, str):
        return ""
    blocks = (block for block in message.content if isinstance(block, dict))
    return "\n".join(filter(None, map(thought_in, blocks)))


def thought_in(block: Mapping[str, Any]) -> str:
    """What a block of a message holds of reasoning, whichever provider's it is."""
    if "summary" in block:  # OpenAI's responses
        return "\n".join(str(one.get("text", "")) for one in block["summary"])
    told = block.get("thinking") or block.get("reasoning") or ""
    if isinstance(told, list):  # Mistral
        return "".join(str(one.get("text", "")) for one in told if isinstance(one, dict))
    return str(told)

"""Images of a question: which models take them, and how they stand in messages.

An image is one of LangChain's standard content blocks, `{"type": "image", "url": ...}` or
`{"type": "image", "base64": ..., "mime_type": ...}`; each provider's client writes it in the
provider's own form.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableBinding

from agentflow_graph.errors import QuestionError

Image = dict[str, Any]
_PLACES = ("url", "base64", "file_id")


def takes_images(model: object) -> bool:
    """Whether a chat model takes them: its LangChain `profile` says so in `image_inputs`."""
    while isinstance(model, RunnableBinding):
        model = model.bound
    return isinstance(model, BaseChatModel) and bool((model.profile or {}).get("image_inputs"))


def images_of(message: HumanMessage) -> list[Image]:
    """The images of a message, whatever provider's form they came in.

    Raises:
        QuestionError: it holds something that is neither text nor an image.
    """
    blocks: list[Image] = [dict(block) for block in message.content_blocks]
    for block in blocks:
        if block["type"] == "image" and not any(block.get(place) for place in _PLACES):
            raise QuestionError(
                f"an image of the question has none of {', '.join(_PLACES)} ({str(block)[:80]}); "
                "give {'type': 'image', 'url': ...}, or base64 with mime_type"
            )
    kinds = {_kind(block) for block in blocks} - {"text", "image"}
    if kinds:
        raise QuestionError(
            f"the question holds {', '.join(sorted(kinds))}, and models here read text and images "
            "alone: describe it in words, or give a tool that reads it"
        )
    return [block for block in blocks if block["type"] == "image"]


def _kind(block: Image) -> str:
    """What a block is; LangChain wraps those that it does not know."""
    if block["type"] == "non_standard":
        return str(block["value"].get("type", "?"))
    return str(block["type"])


def with_images(messages: list[BaseMessage], images: Sequence[Image]) -> list[BaseMessage]:
    """The messages with the images behind the text of the first human one: it has the question."""
    place = next(i for i, message in enumerate(messages) if isinstance(message, HumanMessage))
    content: list[str | dict[str, Any]] = [{"type": "text", "text": str(messages[place].text)}]
    seen = HumanMessage([*content, *(dict(image) for image in images)])
    return [*messages[:place], seen, *messages[place + 1 :]]

"""Answers of models that are kept, and given again to the same request: `?cache=true`.

They lie in the table of paid calls (`tools.services.cache`), so AGENTFLOW_CACHE says where, and
equal requests at the same time are one. Empty and cut-off replies are not kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain_core.messages import message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatResult

from agentflow_graph.replies.reply import CUT_OFF, finish_of

KEPT = 30 * 86_400.0
"""Seconds an answer is kept."""


class _NotKept(Exception):
    def __init__(self, result: ChatResult) -> None:
        super().__init__()
        self.result = result


async def remembered(
    request: Mapping[str, Any], ask: Callable[[], Awaitable[ChatResult]]
) -> ChatResult:
    """The answer kept for `request`, or the one that `ask` gives; `request` must be JSON."""

    async def asked() -> Any:
        result = await ask()
        message = result.generations[0].message
        if not str(message.text).strip() or finish_of(message) in CUT_OFF:
            raise _NotKept(result)
        return message_to_dict(message)

    # Not at the top: a program may have a `tools` of its own and no cache.
    from tools.services.cache import Cache, default_folder

    try:
        told = await Cache(default_folder()).once("model", request, asked, ttl=KEPT)
    except _NotKept as other:
        return other.result
    (message,) = messages_from_dict([told])
    return ChatResult(generations=[ChatGeneration(message=message)])

"""A chat model that says what it is told to, to see an agent at work without a key.

planner = Scripted([planned("weather", "Old Harbor")])
agent = build_graph({"planner": planner}, [weather])
ask("What is the weather in Old Harbor?", agent=agent)["answer"]
planner.asked[0]                # what the planner was shown
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agentflow_graph.errors import SettingError

Said = str | AIMessage
Reply = Said | Callable[[list[BaseMessage]], Said]
"""A text, a message (with tool calls, say), or what makes one of the messages shown."""


def planned(tool: str, context: str, sub_goal: str = "find what is asked") -> str:
    """A planner's reply: three lines, in any order, and a `Justification:` if there is one.

    Args:
        tool: its name.
        context: all that the tool is told; the executor `direct` gives it as the only argument.
        sub_goal: what the step is to achieve.
    """
    return f"Sub-Goal: {sub_goal}\nContext: {context}\nTool Name: {tool}"


class Scripted(BaseChatModel):
    """Gives its replies in turn, after the last one the first again.

    The turn is the model's own, not the conversation's: runs side by side share it.

    Raises:
        SettingError: there is no reply to give.
    """

    replies: Sequence[Any]  # of Reply; pydantic would copy messages that it checks
    asked: list[list[BaseMessage]] = []
    """What it was shown, call by call."""
    _turns: Iterator[Reply] = PrivateAttr()

    def __init__(self, replies: Sequence[Reply], **given: Any) -> None:
        if not replies:
            raise SettingError("replies=[] says nothing; give texts, messages, or functions")
        super().__init__(replies=replies, **given)
        self._turns = cycle(replies)

    @property
    def _llm_type(self) -> str:
        return "agentflow-scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Scripted:
        """Itself: which tools it calls stands in its replies."""
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append(messages)
        reply = next(self._turns)
        said = reply(messages) if callable(reply) else reply
        message = AIMessage(said) if isinstance(said, str) else said.model_copy()
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)

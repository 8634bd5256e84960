"""A scripted planner in the place of the planner's model, inside the real graph.

It reads the question and the results out of the `terse` prompt, as a language model would have to,
and answers in the planner's format. With the oracle it gives the ceiling of the almanac, with the
babbler the transcripts of the warm start.

    graph = build_graph({"planner": ScriptedPlanner(decide=oracle.plan)})
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from benchmarks.almanac.oracle import Plan

_QUESTION = re.compile(r"^Question: (.*)$", re.MULTILINE)
_RESULT = re.compile(r"^Result: (.*)$", re.MULTILINE)


class ScriptedPlanner(BaseChatModel):
    """A chat model whose reply is a function of the question and of the results so far."""

    decide: Callable[[str, Sequence[str]], Plan]

    @property
    def _llm_type(self) -> str:
        return "scripted-planner"

    def say(self, prompt: str) -> str:
        """The reply to one prompt."""
        return reply(self.decide, prompt)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        message = AIMessage(self.say(messages[-1].text))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        # Without this LangChain would call `_generate` in a thread.
        return self._generate(messages)


def reply(decide: Callable[[str, Sequence[str]], Plan], prompt: str) -> str:
    """The planner's reply to a `terse` prompt.

    Raises:
        ValueError: the prompt has no line `Question: ...`, so it is of another layout.
    """
    question = _QUESTION.search(prompt)
    if question is None:
        raise ValueError("the scripted planner reads prompts of layout 'terse' only; set layout")
    return written(decide(question[1], _RESULT.findall(prompt)))


def written(plan: Plan) -> str:
    """`plan` in the form that the planner's model must write."""
    return f"Context: {plan.context}\nSub-Goal: {plan.sub_goal}\nTool Name: {plan.tool}"

"""A scripted planner in the place of the planner's model, inside the real graph.

It reads the question and the results out of the prompt, as a language model would have to, and
answers in the planner's format. With the oracle it gives the ceiling of the almanac, with the
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
_RESULT = re.compile(r"^ *Result: (.*(?:\n\[\d+\] .*)*)$", re.MULTILINE)
"""A result is a line, or several passages with their numbers."""


class ScriptedPlanner(BaseChatModel):
    """A chat model whose reply is a function of the question and of the results so far."""

    decide: Callable[[str, Sequence[str]], Plan]
    justified: bool = False
    """Whether a reply begins with its reason, as the rules of every layout but `terse` ask."""

    @property
    def _llm_type(self) -> str:
        return "scripted-planner"

    def say(self, prompt: str) -> str:
        """The reply to one prompt."""
        return reply(self.decide, prompt, self.justified)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        message = AIMessage(self.say(messages[-1].text))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        # Without this LangChain would call `_generate` in a thread.
        return self._generate(messages)


def reply(
    decide: Callable[[str, Sequence[str]], Plan], prompt: str, justified: bool = False
) -> str:
    """The planner's reply to a prompt; of several messages, to the last.

    Raises:
        ValueError: the prompt has no line `Question: ...`.
    """
    plan = decide(*seen(prompt))
    return f"Justification: {reason(plan)}\n{written(plan)}" if justified else written(plan)


def seen(prompt: str) -> tuple[str, list[str]]:
    """The question and the results that a planner's prompt shows.

    Raises:
        ValueError: see `reply`.
    """
    return asked_in(prompt), _RESULT.findall(prompt)


def asked_in(prompt: str) -> str:
    """The question that a planner's prompt is about.

    Raises:
        ValueError: see `reply`.
    """
    question = _QUESTION.search(prompt)
    if question is None:
        raise ValueError(f"no line 'Question: ...' in the planner's prompt {prompt[:80]!r}")
    return question[1]


def reason(plan: Plan) -> str:
    """What may be said for `plan`, be it right or wrong."""
    if plan.sub_goal == "compute the value":
        return f"the value of {plan.context} is needed"
    return f"facts about {plan.context} are needed"


def written(plan: Plan) -> str:
    """`plan` in the form that the planner's model must write."""
    return f"Context: {plan.context}\nSub-Goal: {plan.sub_goal}\nTool Name: {plan.tool}"

"""Begin: a new question takes its settings and a clean memory, whatever the thread still holds.

It runs on new input and not on a resume, so what it stores is what the run goes by to its end.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.runtime import Runtime

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.prompts.memory import shorten
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.state import CLEAN, State

LONGEST = 2_000
"""Characters of one earlier message that are shown."""


class Begin:
    """The first node of the graph.

    Args:
        resources: what a Context resolves to.
        recorder: names the run in the record, if there is one.
        settled: the settings of a run, from what its caller gave.
    """

    def __init__(
        self,
        resources: Callable[[Context], Awaitable[Resources]],
        recorder: Recorder,
        settled: Callable[[object], Context],
    ) -> None:
        self._resources, self._recorder, self._settled = resources, recorder, settled

    async def __call__(self, state: State, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """The state that the run starts from.

        Raises:
            QuestionError: there is no question.
            SettingError: a setting cannot work.
        """
        begun = time.perf_counter()
        context = self._settled(runtime.context)
        question, settings = new_question(state), context.model_dump()
        earlier = conversation(state, context.conversation, question["question"])
        resources = await self._resources(context)
        run = self._recorder.begin()
        if record := await self._recorder.run(run):
            told = {"question": question["question"], "conversation": earlier}
            record.begin(told, settings, resources.description, resources.counter)
        return {
            **CLEAN,
            **question,
            "conversation": earlier,
            "run": run,
            "settings": settings,
            "layout": resources.layout,
            "seconds": time.perf_counter() - begun,
        }


async def after_begin(state: State) -> Literal["planner", "generator"]:
    """The edge after it: outputs of the generator alone need no turn."""
    only_base = Context(**state["settings"]).output_names == ("base",)
    return "generator" if only_base else "planner"


def new_question(state: State) -> State:
    """The question: the thread's newest human message if it is new, else `question`.

    New is another message, or one that was edited in its place. It need not be the last one: an
    agent that hands over says so in messages of its own. Only where a first call gives `question`
    beside a conversation that ended with somebody else is that conversation what was said before.

    Raises:
        QuestionError: there is no question, or one with more than text.
    """
    newest, text = _newest(state), state.get("question")
    asked_by = _mark(newest) if newest else ""
    if newest and asked_by != state.get("asked_by", "") and not _only_before(state):
        _check_that_it_is_text(newest)
        text = str(newest.text)
    if not isinstance(text, str) or not text.strip():
        raise QuestionError(
            f"the question is empty ({text!r}); give {{'question': '...'}} or a human message"
        )
    return State(question=text.strip(), asked_by=asked_by)


def _newest(state: State) -> HumanMessage | None:
    messages = reversed(state.get("messages", []))
    return next((one for one in messages if isinstance(one, HumanMessage)), None)


def _mark(message: HumanMessage) -> str:
    return f"{message.id} {message.text}"


def _only_before(state: State) -> bool:
    first, given = not state.get("settings"), bool(state.get("question"))
    return first and given and not isinstance(state["messages"][-1], HumanMessage)


def conversation(state: State, length: int, question: str) -> str:
    """The last `length` messages before the question, a line each.

    Where there are no messages, what came as `conversation`: a replay gives it so.
    """
    earlier, newest = state.get("messages", []), _newest(state)
    if length and not earlier:
        return state.get("conversation", "")
    if newest and newest.text.strip() == question:
        earlier = earlier[: earlier.index(newest)]
    spoken = [one for one in earlier if isinstance(one, HumanMessage | AIMessage) and one.text]
    return "\n".join(
        f"{'Person' if isinstance(one, HumanMessage) else 'Answer'}: {shorten(one.text, LONGEST)}"
        for one in (spoken[-length:] if length else [])
    )


def _check_that_it_is_text(message: HumanMessage) -> None:
    parts = message.content if isinstance(message.content, list) else []
    kinds = {part.get("type", "?") for part in parts if isinstance(part, dict)} - {"text"}
    if kinds:
        raise QuestionError(
            f"the question holds {', '.join(sorted(kinds))}, and the modules read text alone: "
            "describe it in words, or give a tool that reads it"
        )

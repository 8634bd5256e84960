"""Begin: a new question takes its settings and a clean memory, whatever the thread still holds.

It runs on new input and not on a resume, so what it stores is what the run goes by to its end.
"""

import time
from collections.abc import Callable
from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.runtime import Runtime

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.nodes.resources import Source, in_time
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
        resources: Source,
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
        earlier = conversation(state, context.conversation)
        resources = await in_time(self._resources, context, context.max_seconds)
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
            "missing": resources.lost,
            **resources.stop,
            "seconds": time.perf_counter() - begun,
        }


async def after_begin(state: State) -> Literal["planner", "generator"]:
    """The edge after it: outputs of the generator alone need no turn, what has ended takes none."""
    only_base = Context(**state["settings"]).output_names == ("base",)
    return "generator" if only_base or state["stopped_by"] else "planner"


def new_question(state: State) -> State:
    """The question: the newest human message if it ends `messages` and is new, else `question`.

    New is another message, or one that was edited in its place. A thread keeps both of its earlier
    runs, answered or broken off.

    Raises:
        QuestionError: there is no question, or one with more than text.
    """
    last = state["messages"][-1] if state.get("messages") else None
    text, asked_by = state.get("question"), ""
    if isinstance(last, HumanMessage):
        _check_that_it_is_text(last)
        asked_by = f"{last.id} {last.text}"
        text = text if asked_by == state.get("asked_by") else str(last.text)
    if not isinstance(text, str) or not text.strip():
        raise QuestionError(
            f"the question is empty ({text!r}); give {{'question': '...'}} or a human message"
        )
    return State(question=text.strip(), asked_by=asked_by)


def conversation(state: State, length: int) -> str:
    """The last `length` messages before the question, a line each.

    Where there are no messages, what came as `conversation`: a replay gives it so.
    """
    earlier = state.get("messages", [])
    if length and not earlier:
        return state.get("conversation", "")
    if earlier and isinstance(earlier[-1], HumanMessage):
        earlier = earlier[:-1]
    spoken = [one for one in earlier if isinstance(one, HumanMessage | AIMessage)]
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

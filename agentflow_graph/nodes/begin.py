"""Begin: a new question takes its settings and a clean memory, whatever the thread still holds.

It runs on new input and not on a resume, so what it stores is what the run goes by to its end.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.state import CLEAN, State


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
        resources = await self._resources(context)
        run = self._recorder.begin()
        if record := await self._recorder.run(run):
            text = resources.counter
            record.begin(question["question"], settings, resources.description, text)
        return {
            **CLEAN,
            **question,
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
    """The question: a human message that ends `messages` and is new, else `question`.

    A thread keeps both of its earlier runs, answered or broken off. Raises QuestionError for none.
    """
    last = state["messages"][-1] if state.get("messages") else None
    text, message_id = state.get("question"), ""
    if isinstance(last, HumanMessage):
        message_id = str(last.id)
        text = text if message_id == state.get("asked_by") else str(last.text)
    if not text or not text.strip():
        raise QuestionError(
            f"the question is empty ({text!r}); give {{'question': '...'}} or a human message"
        )
    return State(question=text.strip(), asked_by=message_id)

"""Begin: a new question takes its settings and a clean memory, whatever the thread still holds.

It runs on new input and not on a resume, so what it stores is what the run goes by to its end.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import Runtime

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.models.images import images_of, takes_images
from agentflow_graph.models.strings import chat_model
from agentflow_graph.nodes.parts.rates import check_prices
from agentflow_graph.nodes.resources import Resources, Source, in_time
from agentflow_graph.prompts.memory import shorten
from agentflow_graph.record.events import as_json, digest_of
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.state import CLEAN, State

LONGEST = 2_000
"""Characters of one earlier message that are shown."""
ALONE = "__agentflow_alone"
"""Of `configurable`: whether a call gives `question` without messages. The state cannot tell: there
a message that a failed run left unanswered stands beside a question as if both had come at once."""


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
        question, settings = new_question(state, _is_alone()), context.model_dump()
        earlier = conversation(state, context.conversation, question["question"])
        resources = await in_time(self._resources, context, context.max_seconds)
        run = self._recorder.begin()
        record = await self._recorder.run(run)
        if not (record and record.replayed):
            check_prices(context, resources.rates)
            if question["images"]:
                check_that_all_see(context, resources)
        if record:
            told: dict[str, Any] = {"question": question["question"], "conversation": earlier}
            told |= {"images": question["images"]} if question["images"] else {}
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


def told_alone(given: Any, config: RunnableConfig) -> RunnableConfig:
    """The config of a call, which says whether it gives `question` without messages."""
    fields = given if isinstance(given, Mapping) else {}
    alone = bool(fields.get("question")) and not fields.get("messages")
    return {**config, "configurable": {**config.get("configurable", {}), ALONE: alone}}


def _is_alone() -> bool:
    return bool(get_config().get("configurable", {}).get(ALONE))


def new_question(state: State, alone: bool = False) -> State:
    """The question: the thread's newest human message if it is new, else `question`.

    A call that gives `question` `alone`, without messages, asks that.

    New is another message, or one that was edited in its place. It need not be the last one: an
    agent that hands over says so in messages of its own. Only where a first call gives `question`
    beside a conversation that ended with somebody else is that conversation what was said before.

    Raises:
        QuestionError: there is no question, or one with more than text.
    """
    newest, text = _newest(state), state.get("question")
    images = [] if state.get("messages") else state.get("images", [])
    asked_by = _mark(newest) if newest else ""
    new = asked_by != state.get("asked_by", "") and not alone
    if newest and new and not _only_before(state):
        text, images = str(newest.text), images_of(newest)
    if not isinstance(text, str) or not text.strip():
        given = "give {'question': '...'} or a human message"
        remedy = "say in words what is asked of the image" if images else given
        raise QuestionError(f"the question is empty ({text!r}); {remedy}")
    return State(question=text.strip(), asked_by=asked_by, images=images)


def _newest(state: State) -> HumanMessage | None:
    messages = reversed(state.get("messages", []))
    return next((one for one in messages if isinstance(one, HumanMessage)), None)


def _mark(message: HumanMessage) -> str:
    plain = isinstance(message.content, str)
    return f"{message.id} {message.text}{'' if plain else digest_of(as_json(message.content))}"


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
    spoken = [one for one in earlier if isinstance(one, HumanMessage | AIMessage) and one.content]
    return "\n".join(_told(one) for one in (spoken[-length:] if length else []))


def _told(message: BaseMessage) -> str:
    """An earlier message as a line; of images and files it says that they were there."""
    who = "Person" if isinstance(message, HumanMessage) else "Answer"
    parts = [part["type"] for part in message.content_blocks if not part["type"].startswith("text")]
    beside = f" [with {', '.join(parts)}, not shown here]" if parts else ""
    return f"{who}: {shorten(message.text, LONGEST)}{beside}"


def check_that_all_see(context: Context, resources: Resources) -> None:
    """Raises QuestionError for a model that reads the question and takes no images."""
    asked = dict(resources.models)
    if context.output_names == ("base",):
        asked = {"generator": asked["generator"]}
    elif context.tool_model and "base_generator" in resources.tools:
        asked["tool_model"] = chat_model(context.tool_model, 0.0, context.reply_tokens)
    blind = [who for who, model in asked.items() if not takes_images(model)]
    if blind:
        names = [resources.requests.get(who, {}).get("model", context.tool_model) for who in blind]
        told = ", ".join(f"{who}={name!r}" for who, name in zip(blind, names, strict=True))
        raise QuestionError(
            f"the question holds an image, and {told} takes none: name a model that does (if it is "
            "one, write ?images=true behind its name; of an object, set profile={'image_inputs': "
            "True}), the rule of the module if it has one, or ask in words"
        )

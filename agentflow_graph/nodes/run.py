"""One node at work: what it sees of the run, the models it asks, the record it leaves.

A module (planner, executor, verifier, generator) is a coroutine from a `Run` to an update of the
state; `Node` makes it a node of the graph.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from agentflow_graph import memory, prompts
from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError, ModelError, OutOfTime, PromptTooLong, ReplyError
from agentflow_graph.resources import Chat, Crew, Crews
from agentflow_graph.state import CLEAN, ModelCall, State, Turn, Usage, merge_usage

T = TypeVar("T")
Update = dict[str, Any]
POLICY_KEYS = ("prompt_ids", "token_ids", "logprobs", "policy_version")
GRACE = 60.0
"""Seconds for writing the answer once something stopped the run: it must still answer."""


@dataclass
class Run:
    """The run as one node sees it."""

    state: State
    context: Context
    crew: Crew
    usage: Usage
    """What the model calls of the run spent, this node's included."""
    begun: float = field(default_factory=time.perf_counter)

    @property
    def turns(self) -> list[Turn]:
        """The turns so far; from the executor on, the last one is the current one."""
        return self.state["turns"]

    def memory(self, terse: bool = False) -> str:
        """The turns as a module reads them."""
        return memory.render(self.turns, self.crew.memory_tokens, self.crew.count, terse)

    def seconds(self) -> float:
        """Time spent so far."""
        return self.state["seconds"] + time.perf_counter() - self.begun

    def seconds_left(self) -> float:
        """What remains of the time budget; never negative."""
        return max(0.0, self.context.max_seconds - self.seconds())

    async def ask(
        self,
        module: str,
        messages: list[BaseMessage],
        parse: Callable[[str], T],
        calls: list[ModelCall] | None = None,
        schema: dict[str, Any] | None = None,
    ) -> T:
        """Ask a module's model and read its reply; a malformed one is shown to its author.

        Every call made is appended to `calls`, whatever comes of it. `schema` is sent along where
        servers constrain replies. Raises ModelError, or ReplyError after `context.repairs` repairs.
        """
        calls = [] if calls is None else calls
        model: Any = self.crew.models[module]
        if schema and self.context.structured:
            form = {"name": "reply", "schema": schema}
            model = model.bind(response_format={"type": "json_schema", "json_schema": form})
        fault: AgentFlowError | None = None
        while True:
            limit = GRACE if self.state["stopped_by"] else self.seconds_left()
            try:
                call = await _call(model, messages, limit, module)
            except PromptTooLong as error:  # with its repair added, a long reply may not fit
                raise fault or error from None
            calls.append(call)
            spent = {name: call[name] for name in ("input_tokens", "output_tokens", "seconds")}
            self.usage = merge_usage(self.usage, {module: {"calls": 1, **spent}})
            try:
                return parse(call["text"])
            except ReplyError as error:
                if len(calls) > self.context.repairs:
                    raise
                fault = error
                messages = prompts.repair(messages, call["text"], str(error))


async def _call(model: Chat, messages: list[BaseMessage], limit: float, who: str) -> ModelCall:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(limit) as clock:
            message = await model.ainvoke(messages)
    except ModelError:
        raise
    except Exception as error:  # every provider has classes of its own
        if clock.expired():
            why = f"the {who}'s model did not answer within {limit:.3g} s; raise max_seconds"
            raise OutOfTime(why) from None
        raise ModelError(
            f"the {who}'s model failed ({type(error).__name__}: {error}); "
            f"check its server and key, or set {who} to another model"
        ) from error
    tokens = message.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
    call = ModelCall(
        text=str(message.text),
        input_tokens=tokens["input_tokens"],
        output_tokens=tokens["output_tokens"],
        finish_reason=str(message.response_metadata.get("finish_reason")),
        seconds=time.perf_counter() - begun,
    )
    if "token_ids" in message.response_metadata:
        call.update({key: message.response_metadata[key] for key in POLICY_KEYS})  # type: ignore[typeddict-item]
    return call


def failure(error: AgentFlowError) -> Update:
    """The update that ends a run because a model did not answer; any other error ends none."""
    if not isinstance(error, ModelError):
        return {}
    stopped_by = "seconds" if isinstance(error, OutOfTime) else "error"
    return {"stopped_by": stopped_by, "error": str(error)}


class Node:
    """A module as a node of the graph.

    The START edge sends a new question alone, without the memory that a node otherwise sees; the
    first node then works on a clean state and overwrites what the thread still holds.
    """

    def __init__(self, crews: Crews, module: Callable[[Run], Awaitable[Update]]) -> None:
        self._crews, self._module = crews, module

    async def __call__(self, state: State, *, runtime: Runtime[Context]) -> Update:
        """Work, and add what the work spent."""
        context = Context.of(runtime.context)
        crew = await self._crews.of(context)
        fresh = "turns" not in state
        if fresh:
            state = {**CLEAN, "layout": crew.layout, **state}
        run = Run(state, context, crew, state["usage"])
        update = {**await self._module(run), "usage": run.usage, "seconds": run.seconds()}
        return {**state, "turns": Overwrite([]), **update} if fresh else update

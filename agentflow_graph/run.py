"""One node at work: what it sees of the run, the models it asks, and the record that it leaves.

A module (planner, executor, verifier, generator) is a coroutine from a `Run` to an update of the
state; `Node` makes it a node of the graph.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from agentflow_graph import memory, prompts
from agentflow_graph.context import Context
from agentflow_graph.crew import Crew, Crews
from agentflow_graph.errors import AgentFlowError, ModelError, OutOfTime, ReplyError
from agentflow_graph.state import CLEAN, ModelCall, State, Turn, Usage, merge_usage

T = TypeVar("T")
Update = dict[str, Any]


@dataclass
class Run:
    """The run as one node sees it."""

    state: State
    context: Context
    crew: Crew
    usage: Usage = field(default_factory=dict)
    """What this node's model calls spent."""
    begun: float = field(default_factory=time.perf_counter)

    @property
    def turns(self) -> list[Turn]:
        """The turns so far; from the executor on, the last one is the current one."""
        return self.state["turns"]

    def memory(self, terse: bool = False) -> str:
        """The turns as a module reads them."""
        return memory.render(self.turns, self.context.memory_tokens, self.crew.count, terse)

    def seconds(self) -> float:
        """Time spent so far."""
        return self.state["seconds"] + time.perf_counter() - self.begun

    def seconds_left(self) -> float:
        """What remains of the time budget; never negative."""
        return max(0.0, self.context.max_seconds - self.seconds())

    def tokens(self) -> float:
        """Input and output tokens of all modules so far."""
        spent = merge_usage(self.state["usage"], self.usage).values()
        return sum(module["input_tokens"] + module["output_tokens"] for module in spent)

    async def ask(
        self,
        module: str,
        messages: list[BaseMessage],
        parse: Callable[[str], T],
        calls: list[ModelCall] | None = None,
        **how: Any,
    ) -> T:
        """Ask a module's model and read its reply; a malformed one is shown to its author.

        Every call made is appended to `calls`, whatever comes of it; `how` goes to `call`.

        Raises:
            ModelError: no answer.
            ReplyError: malformed even after `context.repairs` repairs.
        """
        for repairs_left in range(self.context.repairs, -1, -1):
            call = await self.call(module, messages, **how)
            if calls is not None:
                calls.append(call)
            try:
                return parse(call["text"])
            except ReplyError as error:
                if not repairs_left:
                    raise
                messages = prompts.repair(messages, call["text"], str(error))
        raise AssertionError("the last round returns or raises")

    async def call(
        self,
        module: str,
        messages: list[BaseMessage],
        schema: dict[str, Any] | None = None,
        seconds: float | None = None,
    ) -> ModelCall:
        """Call a module's model once, within `seconds` or what the run has left.

        `schema` is sent along where servers constrain replies. Raises ModelError.
        """
        model: Runnable[Any, AIMessage] = self.crew.models[module]
        if schema and self.context.structured:
            form = {"name": "reply", "schema": schema}
            model = model.bind(response_format={"type": "json_schema", "json_schema": form})
        limit = self.seconds_left() if seconds is None else seconds
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(limit):
                message = await model.ainvoke(messages)
        except TimeoutError:
            why = f"the {module}'s model did not answer within {limit:.0f} s; raise max_seconds"
            raise OutOfTime(why) from None
        except ModelError:
            raise
        except Exception as error:  # every provider has classes of its own
            raise ModelError(
                f"the {module}'s model failed ({type(error).__name__}: {error}); "
                f"check its server and key, or set {module} to another model"
            ) from error
        call = _recorded(message, time.perf_counter() - begun)
        spent = {name: call[name] for name in ("input_tokens", "output_tokens", "seconds")}
        self.usage = merge_usage(self.usage, {module: {"calls": 1, **spent}})
        return call


def _recorded(message: AIMessage, seconds: float) -> ModelCall:
    usage = message.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
    tokens = ModelCall(input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"])
    known = ModelCall.__annotations__
    policy = {name: value for name, value in message.response_metadata.items() if name in known}
    return ModelCall(text=str(message.text), seconds=seconds, **tokens, **policy)


def failure(error: AgentFlowError) -> Update:
    """The update that ends a run because a model did not answer; any other error ends none."""
    if not isinstance(error, ModelError):
        return {}
    return {
        "stopped_by": "seconds" if isinstance(error, OutOfTime) else "error",
        "error": str(error),
    }


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
        run = Run({**CLEAN, "layout": crew.layout, **state} if fresh else state, context, crew)
        update = await self._module(run)
        update |= {"usage": run.usage, "seconds": run.seconds()}
        if not fresh:
            return update
        whole = {**run.state, **update}
        return {**whole, "turns": Overwrite(whole["turns"]), "usage": Overwrite(run.usage)}

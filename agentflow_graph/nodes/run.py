"""One node at work: what it sees of the run, the models it asks, what it records.

A module (planner, executor, verifier, generator) is a coroutine from a `NodeRun` to an update of
the state; `Node` makes it a node of the graph.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage

from agentflow_graph.context import Context
from agentflow_graph.errors import (
    AgentFlowError,
    ModelError,
    OutOfTime,
    PromptTooLong,
    ReplyError,
)
from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.errors.threads import in_thread
from agentflow_graph.models.images import with_images
from agentflow_graph.models.providers.money import money_of
from agentflow_graph.models.recorded import answer_of, plain_messages, spent_by
from agentflow_graph.nodes.parts.call import (
    asked_again,
    bound,
    light,
    readable,
    reply,
    streaming,
)
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.prompts import memory, texts
from agentflow_graph.prompts.progress import Called
from agentflow_graph.record.events import Answer
from agentflow_graph.record.run import Scope
from agentflow_graph.replies.reply import NoReply
from agentflow_graph.state import ModelCall, Money, State, Turn, Usage, merge_usage

T = TypeVar("T")
Update = dict[str, Any]
LARGE = 20_000
"""Characters of a reply that are not read on the event loop."""


@dataclass
class NodeRun:
    """The run as one node sees it."""

    state: State
    context: Context
    resources: Resources
    usage: Usage
    """What the model calls of the run spent, this node's included."""
    scope: Scope
    """Where the node's calls are recorded."""
    begun: float = field(default_factory=time.perf_counter)
    asked: int = 0
    """How often a person was asked."""
    writer: Callable[[Any], None] = lambda _: None
    """Takes events for whoever watches the run."""
    spoken: dict[str, str] = field(default_factory=dict)
    """By output: the id under which the model's last reply was streamed."""

    @property
    def turns(self) -> list[Turn]:
        """The turns so far; from the executor on, the last one is the current one."""
        return self.state["turns"]

    @property
    def question(self) -> str:
        """The question as models read it: after what was said before, if that is shown."""
        return texts.after(self.state["conversation"], self.state["question"])

    def memory(self, terse: bool = False) -> str:
        """The turns as a module reads them."""
        resources = self.resources
        return memory.render(self.turns, resources.memory_tokens, resources.count, terse)

    def seconds(self) -> float:
        """Time spent so far."""
        record = self.scope.run
        replayed = record.seconds(self.scope.turn) if record else None
        spent = self.state["seconds"] + time.perf_counter() - self.begun
        return spent if replayed is None else replayed

    def money(self) -> Money:
        """What the run has cost so far."""
        return money_of(self.usage, self.resources.rates)

    def note(self, kind: str, **what: Any) -> None:
        """Record an event of this turn."""
        if self.scope.run:
            self.scope.run.note(kind, turn=self.scope.turn, **what)

    def tell(self, event: Called) -> None:
        """Tell whoever watches the run what no update tells: its text is from outside."""
        self.writer(hidden_in(event))

    def decide(self, shown: dict[str, Any], ask: Callable[[Any], Any]) -> Any:
        """What a person says to `shown`: `ask` interrupts the graph until somebody has answered."""
        number, self.asked = self.asked, self.asked + 1
        if self.scope.run and self.scope.run.replayed:
            return self.scope.run.decision(self.scope.turn, number)
        said = ask(shown)
        self.note("decided", number=number, shown=shown, said=said)
        return said

    def seconds_left(self) -> float:
        """What remains of the time budget; never negative."""
        return max(0.0, self.context.max_seconds - self.seconds())

    def _seconds_to_ask(self) -> float:
        """What one call may take. The repair of a reply has what the call before it left."""
        if not self.state["stopped_by"]:
            return self.seconds_left()
        end = max(self.context.max_seconds, self.state["seconds"]) + self.context.grace
        return max(0.0, end - self.seconds())

    async def ask(
        self,
        module: str,
        messages: list[BaseMessage],
        parse: Callable[[str], T],
        calls: list[ModelCall] | None = None,
        schema: dict[str, Any] | None = None,
        output: str = "",
    ) -> T:
        """Ask a module's model and read its reply; a malformed one is shown to its author.

        An empty or cut-off reply is asked for again, with more room. Every call made is appended
        to `calls`, whatever comes of it. `schema` is sent along where servers constrain replies;
        `output` tells calls of one module apart that run side by side.
        Raises ModelError, or ReplyError after `context.repairs` repairs.
        """
        calls = [] if calls is None else calls
        if images := self.state["images"]:
            messages = with_images(messages, images)
        fault: AgentFlowError | None = None
        again: dict[str, Any] = {}
        while True:
            try:
                answer = await self._call(module, output, messages, schema, again)
            except PromptTooLong as error:  # with its repair added, a long reply may not fit
                raise fault or error from None
            calls.append(light(len(calls), answer))
            self.usage = merge_usage(self.usage, {module: spent_by(answer)})
            try:
                text = readable(answer)
                return await in_thread(parse, text) if len(text) > LARGE else parse(text)
            except ReplyError as error:
                if len(calls) > self.context.repairs:
                    raise
                fault = error
            again = asked_again(again, answer, fault)
            if not isinstance(fault, NoReply):  # else there is nothing to show
                messages = texts.repair(messages, answer["text"], str(fault))

    async def _call(
        self,
        module: str,
        output: str,
        messages: list[BaseMessage],
        schema: dict[str, Any] | None,
        again: dict[str, Any],
    ) -> Answer:
        limit = self._seconds_to_ask()

        def request() -> dict[str, Any]:
            return {
                **self.resources.requests[module],
                "structured": self.context.structured,
                "messages": plain_messages(messages),
                **({"again": again} if again else {}),
            }

        async def ask() -> Answer:
            begun = time.perf_counter()
            model = bound(self.resources.models[module], schema, self.context.structured, again)
            how = streaming(self.context, module, self.scope.turn, output)
            message = await reply(model, messages, limit, module, how)
            self.spoken[output] = message.id or ""
            return answer_of(message, time.perf_counter() - begun)

        return await self.scope.call(f"{module}.{output}" if output else module, request, ask)


def failure(error: AgentFlowError) -> Update:
    """The update that ends a run because a model did not answer; any other error ends none."""
    if not isinstance(error, ModelError):
        return {}
    stopped_by = "seconds" if isinstance(error, OutOfTime) else "error"
    return {"stopped_by": stopped_by, "error": str(error), "fault": error.fault}

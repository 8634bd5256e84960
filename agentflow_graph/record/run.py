"""One run as it is recorded, and the calls of one node in it.

    run = RunRecord("q17/2/0")                     # kept in memory
    with record_as(run):
        state = await graph.ainvoke({"question": "..."})
    run.calls                                      # what was asked and answered, in order

A call whose answer is known is not made again. What is not recorded at all (no record, no
`record_as`) costs nothing: `Scope` then asks at once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol

import orjson
from langgraph.errors import GraphBubbleUp

from agentflow_graph.record.events import Answer, Event, Key, as_json, digest_of, versions
from agentflow_graph.record.reading import RecordedRun

Ask = Callable[[], Awaitable[Answer]]
Turnstile = Mapping[str, AbstractAsyncContextManager[Any]]


class Sink(Protocol):
    """Where events go: a `Record`, which alone implements it."""

    def write(self, event: Event) -> None:
        """Add one event."""

    def describe(self, digest: str, resources: Mapping[str, Any], tokenizer: str) -> None:
        """Write what runs work with, once."""

    def close_run(self, name: str) -> None:
        """A run has ended."""

    async def flushed(self) -> None:
        """Returns once what was written can be read."""


def lasting(answers: Mapping[Key, Answer]) -> dict[Key, Answer]:
    """The answers that hold in another process too; that a tool's service was away does not."""
    return {key: one for key, one in answers.items() if not one.get("data", {}).get("away")}


class RunRecord:
    """One run: what it was answered before, and where new events go.

    Args:
        name: unique in its record.
        record: where events are written; None keeps the calls in memory only.
        before: what an earlier process recorded of this run.
        turnstile: calls of a node named here go through its context one by one.
    """

    def __init__(
        self,
        name: str,
        record: Sink | None = None,
        before: RecordedRun | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        self.name = name
        self.replayed = False
        """Whether it answers from a record alone."""
        self.answers: dict[Key, Answer] = lasting(before.answers) if before else {}
        self.calls: list[tuple[Key, Answer]] = []
        """Answered calls in the order in which this process came to know them."""
        self.lost: list[tuple[Key, float]] = []
        """Calls that this process made without an answer: failed or given up, and after how long
        in seconds."""
        self.answered: Counter[str] = Counter()
        """How many of them there are, by node."""
        self._record = record
        self._turnstile = turnstile or {}

    def note(self, kind: str, **what: Any) -> None:
        """Write an event of any kind about this run."""
        if self._record:
            self._record.write({"event": kind, "run": self.name, **what})

    def begin(
        self,
        given: Mapping[str, Any],
        settings: Mapping[str, Any],
        resources: Mapping[str, Any],
        text: str,
    ) -> None:
        """The run starts.

        Args:
            given: `question`, the `conversation` before it, and its `images` if it has any.
            settings: of the run.
            resources: what it works with.
            text: its planner's tokenizer.
        """
        if self._record:
            digest = resources["digest"]
            self._record.describe(digest, resources, text)
            self.note(
                "begun",
                **given,
                settings=settings,
                resources=digest,
                versions=versions(),
                time=time.time(),
            )

    async def end(self, state: Mapping[str, Any]) -> None:
        """The run ended; `state` is its finished state. What is recorded of it can be read now."""
        self.note("ended", state={key: state[key] for key in state if key != "messages"})
        await self.flushed()
        if self._record:
            self._record.close_run(self.name)

    async def flushed(self) -> None:
        """Returns once all that was recorded so far can be read."""
        if self._record:
            await self._record.flushed()

    async def call(self, node: str, turn: int, number: int, request: Event, ask: Ask) -> Answer:
        """The answer to a request: the recorded one, or what `ask` gives.

        The digest is that of `request["subject"]` if there is one, for requests that hold chance.
        A failure is recorded and raised, and never taken for an answer later.
        """
        encoded = as_json(request)
        subject = as_json(request["subject"]) if "subject" in request else encoded
        key = Key(node, turn, number, digest_of(subject))
        answer = self.answers.get(key)
        if answer is None:
            async with self._turnstile.get(node, nullcontext()):
                answer = await self._made(key, encoded, ask)
        self.calls.append((key, answer))
        self.answered[node] += 1
        return answer

    async def _made(self, key: Key, encoded: bytes, ask: Ask) -> Answer:
        self._write("asked", key, {"request": orjson.Fragment(encoded)})
        begun = time.perf_counter()
        try:
            answer = await ask()
        except GraphBubbleUp:  # a tool asks a human: that is no failure
            raise
        except BaseException as error:
            self.lost.append((key, time.perf_counter() - begun))
            if isinstance(error, Exception):
                self._write("failed", key, {"kind": type(error).__name__, "error": str(error)})
            raise
        self._write("answered", key, {"answer": answer})
        self.answers[key] = answer
        return answer

    def _write(self, kind: str, key: Key, what: Event) -> None:
        if self._record:
            # A list: orjson takes no named tuple, and the way around is slow.
            self._record.write({"event": kind, "run": self.name, "call": [*key], **what})

    def decision(self, turn: int, number: int) -> Any:
        """The answer `number` of a person in `turn`, in a replay; else None, and LangGraph asks."""
        return None

    def seconds(self, turn: int) -> float | None:
        """The run's clock at the verdict of `turn` (0: at its end), in a replay; else None."""
        return None


class Scope:
    """The calls of one node at work. It numbers them from 0, so that they are found again.

    A node that starts over, after a kill or an interrupt, has a new scope.
    """

    def __init__(
        self,
        run: RunRecord | None,
        turn: int,
        who: str = "",
        images: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.run, self.turn, self.who, self.images = run, turn, who, images
        self._numbers: Counter[str] = Counter()
        self.spent: dict[str, float] = {}
        """What the models asked in this scope spent: calls, tokens, seconds."""

    async def call(self, node: str, request: Callable[[], Event], ask: Ask) -> Answer:
        """See `RunRecord.call`; `request` is made only where it is recorded."""
        if self.run is None:
            return await ask()
        number = self._numbers[node]
        self._numbers[node] += 1
        return await self.run.call(node, self.turn, number, request(), ask)


RUN: ContextVar[RunRecord | None] = ContextVar("RUN", default=None)
"""The run that the next graph in this context is recorded as."""
SCOPE: ContextVar[Scope | None] = ContextVar("SCOPE", default=None)
"""The node on whose behalf something is asked here; its `who` asks."""


async def ask_through_record(request: Callable[[], Event], ask: Ask) -> Answer:
    """What `ask` gives, through the record of whoever acts here; see `RunRecord.call`."""
    scope = SCOPE.get()
    return await (scope.call(scope.who, request, ask) if scope else ask())


@contextmanager
def record_as(run: RunRecord | None) -> Iterator[RunRecord | None]:
    """The run of the graph inside is recorded as `run`; with None, not at all."""
    token = RUN.set(run)
    try:
        yield run
    finally:
        RUN.reset(token)


@contextmanager
def on_behalf_of(scope: Scope) -> Iterator[Scope]:
    """What is asked inside belongs to `scope`, and graphs inside are runs of their own."""
    run, acts = RUN.set(None), SCOPE.set(scope)
    try:
        yield scope
    finally:
        SCOPE.reset(acts)
        RUN.reset(run)

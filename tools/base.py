"""`FlowTool`: the one shape of our own tools.

A tool declares its arguments (a pydantic model), what the planner's card says, and one coroutine,
`answer`. The rest is here: timing, its end, errors that become results, and the synchronous way in.
`TypedTool` is the same without a card of its own, for tools that others describe.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, ClassVar, Literal, TypeVar

from langchain_core.exceptions import ModelError
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

from tools.outcomes.result import ToolResult, away, error, shorten, timeout, unavailable

T = TypeVar("T")
Example = tuple[str, str]
"""(the arguments as the planner would write them, the text that comes back)"""


class TypedTool(BaseTool):
    """A `BaseTool` that returns `(text, ToolResult)` and never raises for its own failures.

    `asyncio.CancelledError` passes through: cancelling the call cancels the work.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    text_limit: int = 3500
    """Characters of text the planner gets at most."""
    timeout: float = 0.0
    """Seconds of one call; 0 leaves the end to the tool and to its caller."""

    @abstractmethod
    async def answer(self, *args: Any, **kwargs: Any) -> ToolResult:
        """Do the work; arguments are those of `args_schema`."""

    async def _arun(self, *args: Any, **kwargs: Any) -> tuple[str, ToolResult]:
        started = time.perf_counter()
        clock = asyncio.timeout(self.timeout or None)
        try:
            async with clock:
                result = await self.answer(*args, **kwargs)
        except Exception as fault:
            result = error(f"{self.name} failed: {type(fault).__name__}: {fault}")
            if isinstance(fault, ModelError) and fault.is_retryable:  # its model's server is away
                result = away(unavailable(result["text"]))
            if clock.expired():
                result = timeout(f"{self.name} gave no result in {self.timeout:g} s: ask for less")
        result["seconds"] = time.perf_counter() - started
        result["text"] = shorten(result["text"], self.text_limit)
        return result["text"], result

    def _run(self, *args: Any, **kwargs: Any) -> tuple[str, ToolResult]:
        """The same call for synchronous callers; it works under a running event loop and blocks."""
        return run_blocking(self._arun(*args, **kwargs))


class FlowTool(TypedTool):
    """A tool of ours: a `TypedTool` with what the planner's card says of it."""

    when_to_use: ClassVar[str]
    bounds: ClassVar[str]
    examples: ClassVar[tuple[Example, ...]]

    async def missing(self) -> str:
        """What keeps this tool from working, with the remedy; empty if nothing is known."""
        return ""


def failed_calls() -> int | None:
    """Inside a call: how many calls of this tool failed before in the run; None: nobody counts."""
    counted = ensure_config().get("metadata", {}).get("failed_calls")
    return counted if isinstance(counted, int) else None


def run_blocking(work: Coroutine[Any, Any, T], daemon: bool = False) -> T:
    """Run a coroutine to its end on a loop and a thread of its own, and wait for it.

    `daemon`: the program may end before it.
    """
    outcome: list[T] = []
    faults: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as fault:
            faults.append(fault)

    thread = threading.Thread(target=target, name="agentflow-tool", daemon=daemon)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return outcome[0]

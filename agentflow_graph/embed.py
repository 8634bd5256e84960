"""The graph inside somebody else's program: as a Runnable, as a tool, from synchronous code.

    chain = prompt | as_runnable() | parser
    agent = create_agent(model, tools=[as_tool(Context(max_turns=5))])
    ask("What is the population of Old Harbor?")["answer"]

A parent *graph* takes the compiled graph as a node: `parent.add_node("agent", graph)`. Elsewhere
(in a chain, in a tool, under `astream_events`) LangChain sets a recursion limit of 25, the end of a
ten-turn run; only a limit in the call's own config wins over that, and each way in here gives one.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from threading import Thread
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, ToolException

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent, graph
from agentflow_graph.state import State

T = TypeVar("T")
Question = str | Mapping[str, Any]


def as_runnable(
    context: Context | None = None, agent: Agent = graph
) -> RunnableLambda[Question, State]:
    """A Runnable from a question (text, or the graph's input) to the finished state."""

    async def answer(question: Question, config: RunnableConfig) -> State:
        settings = Context.of(context)
        given = {"question": question} if isinstance(question, str) else question
        config = {**config, "recursion_limit": settings.recursion_limit}
        return cast(State, await agent.ainvoke(cast(State, given), config, context=settings))

    def wait(question: Question, config: RunnableConfig) -> State:
        return wait_for(answer(question, config))

    return RunnableLambda(wait, answer, name="agentflow")


def as_tool(
    context: Context | None = None,
    agent: Agent = graph,
    name: str = "agentflow",
    description: str = "Answers a question in several steps, with tools.",
) -> BaseTool:
    """A tool that answers a question; its result is the answer's text.

    A run that failed is a tool message with the status `error`: the outer agent is told, and not
    given what little was found as if it were the answer.
    """
    runnable = as_runnable(context, agent)

    async def answer(question: str, config: RunnableConfig) -> str:
        state = await runnable.ainvoke(question, config)
        if state["stopped_by"] == "error":
            raise ToolException(state["error"])
        return state["answer"]

    def wait(question: str, config: RunnableConfig) -> str:
        return wait_for(answer(question, config))

    return StructuredTool.from_function(
        wait, answer, name=name, description=description, handle_tool_error=True
    )


def ask(
    question: Question,
    context: Context | None = None,
    agent: Agent = graph,
    config: RunnableConfig | None = None,
) -> State:
    """Answer from synchronous code; `graph.invoke` cannot, for the graph's nodes are async.

    `config` is LangChain's: callbacks, tags, metadata, `configurable` with a thread_id.
    """
    return as_runnable(context, agent).invoke(question, config)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, all on one loop: connections of model clients belong to a loop.

    Called on that loop itself, by a tool of a run that was begun here, it takes another: the loop
    cannot wait for its own work.
    """
    loop = _loop()
    if _running_loop() is loop:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(copy_context().run, asyncio.run, work).result()
    return asyncio.run_coroutine_threadsafe(work, loop).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="agentflow", daemon=True).start()
    return loop

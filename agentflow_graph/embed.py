"""The graph inside somebody else's program: as a Runnable, as a tool, from synchronous code.

    chain = prompt | as_runnable() | parser
    agent = create_agent(model, tools=[as_tool(Context(max_turns=5))])
    ask("What is the population of Old Harbor?")["answer"]

A parent *graph* takes the compiled graph as a node: `parent.add_node("agent", graph)`. docs/apps.md
shows each way.
"""

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, ToolException

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent, graph
from agentflow_graph.state import Finished, State

Question = str | Mapping[str, Any]


def as_runnable(
    context: Context | None = None, agent: Agent = graph
) -> RunnableLambda[Any, Finished]:
    """A Runnable from a question (text, or the graph's input) to the finished state.

    Its input is declared as anything, or a type checker would not have it as a node of a graph.
    """
    settings = Context.of(context)

    async def answer(question: Question, config: RunnableConfig) -> Finished:
        return cast(Finished, await agent.ainvoke(*_call(question, config), context=settings))

    def wait(question: Question, config: RunnableConfig) -> Finished:
        return cast(Finished, agent.invoke(*_call(question, config), context=settings))

    def _call(question: Question, config: RunnableConfig) -> tuple[State, RunnableConfig]:
        given = {"question": question} if isinstance(question, str) else question
        return cast(State, given), {**config, "recursion_limit": settings.recursion_limit}

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
        return _answer(await runnable.ainvoke(question, config))

    def wait(question: str, config: RunnableConfig) -> str:
        return _answer(runnable.invoke(question, config))

    return StructuredTool.from_function(
        wait, answer, name=name, description=description, handle_tool_error=True
    )


def ask(
    question: Question,
    context: Context | None = None,
    agent: Agent = graph,
    config: RunnableConfig | None = None,
) -> Finished:
    """Answer from synchronous code: `graph.invoke` with a question that may be plain text.

    `config` is LangChain's: callbacks, tags, metadata, `configurable` with a thread_id.
    """
    return as_runnable(context, agent).invoke(question, config)


def _answer(state: Finished) -> str:
    """Raises ToolException for a run that failed."""
    if state["stopped_by"] == "error":
        raise ToolException(state["error"])
    return state["answer"]

"""The graph inside somebody else's program: as a Runnable, as a tool, from synchronous code.

    chain = prompt | as_runnable() | parser
    agent = create_agent(model, tools=[as_tool(Context(max_turns=5))])
    ask("What is the population of Old Harbor?")["answer"]

A parent *graph* takes the compiled graph as a node: `parent.add_node("agent", graph)`. docs/apps.md
shows each way.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, ToolException

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.graph import Agent, graph
from agentflow_graph.state import Finished, State

Question = str | Mapping[str, Any] | PromptValue | BaseMessage | Sequence[Any]
"""Text, the graph's input, or what chat models take: a prompt, a message, messages."""


def as_runnable(
    context: Context | None = None, agent: Agent = graph
) -> RunnableLambda[Any, Finished]:
    """A Runnable from a question (see `Question`) to the finished state.

    Its input is declared as anything, or a type checker would not have it as a node of a graph.
    """
    settings = Context.of(context)

    async def answer(question: Question, config: RunnableConfig) -> Finished:
        return cast(Finished, await agent.ainvoke(*_call(question, config), context=settings))

    def wait(question: Question, config: RunnableConfig) -> Finished:
        return cast(Finished, agent.invoke(*_call(question, config), context=settings))

    def _call(question: Question, config: RunnableConfig) -> tuple[State, RunnableConfig]:
        return _input(question), {**config, "recursion_limit": settings.recursion_limit}

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


def _input(question: Question) -> State:
    """Raises QuestionError for what is no question."""
    if isinstance(question, PromptValue):
        question = question.to_messages()
    if isinstance(question, BaseMessage):
        question = [question]
    if isinstance(question, str):
        return State(question=question)
    if isinstance(question, Mapping):
        return cast(State, question)
    if isinstance(question, Sequence):
        return cast(State, {"messages": list(question)})
    kind = type(question).__name__
    raise QuestionError(f"the question is a {kind}; give text, messages, or {{'question': '...'}}")


def _answer(state: Finished) -> str:
    """Raises ToolException for a run that failed."""
    if state["stopped_by"] == "error":
        raise ToolException(state["error"])
    return state["answer"]

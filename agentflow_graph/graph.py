"""AgentFlow as one compiled LangGraph, for a person, Studio, the benchmarks and the trainer.

START ──> planner ──> executor ──> verifier ──> generator ──> END
             ^                        │
             └────── not enough ──────┘

from agentflow_graph import graph
state = await graph.ainvoke({"question": "What is the population of Old Harbor?"})
state["answer"], state["turns"], state["stopped_by"]
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agentflow_graph.context import Context
from agentflow_graph.errors import QuestionError
from agentflow_graph.nodes.executor import executor
from agentflow_graph.nodes.generator import generator
from agentflow_graph.nodes.planner import planner
from agentflow_graph.nodes.run import Node
from agentflow_graph.nodes.verifier import route, verifier
from agentflow_graph.record.file import Record
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.resources import Chat, ResourceCache, Resources
from agentflow_graph.state import State

Agent = CompiledStateGraph[State, Context, State, State]


def build_graph(
    models: Mapping[str, Chat] | None = None,
    tools: Sequence[BaseTool] | None = None,
    record: Record | Path | str | None = None,
) -> Agent:
    """Compile the graph.

    Args:
        models: chat models by module (planner, executor, verifier, generator, analysis); they win
            over their names in the Context.
        tools: they win over the Context's.
        record: where every run is recorded, a folder or an open `Record`; by default the folder
            that AGENTFLOW_RECORD names, else nowhere. On a server that refuses blocking calls,
            as `langgraph dev` does, use that variable or a `BackgroundRecord`.

    Raises:
        SettingError: an unknown module.
    """
    return compile_graph(ResourceCache(models or {}, tools).of, Recorder(record))


def compile_graph(
    resources: Callable[[Context], Awaitable[Resources]], recorder: Recorder
) -> Agent:
    """The graph over what a Context resolves to; `recorder` finds the records of its runs."""

    async def begin(state: State, runtime: Runtime[Context]) -> Send:
        """Runs on new input and not on resume, so it is where a question begins afresh."""
        only_base = Context.of(runtime.context).output_names == ("base",)
        question: State = {**new_question(state), "run": recorder.begin()}
        return Send("generator" if only_base else "planner", question)

    builder = StateGraph(State, context_schema=Context)
    for module in (planner, executor, verifier, generator):
        builder.add_node(module.__name__, Node(resources, module, recorder))
    builder.add_conditional_edges(START, begin, ["planner", "generator"])
    builder.add_edge("planner", "executor")
    builder.add_edge("executor", "verifier")
    builder.add_conditional_edges("verifier", route)
    builder.add_edge("generator", END)
    return builder.compile(name="agentflow")


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


graph = build_graph()

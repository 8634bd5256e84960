"""AgentFlow as one compiled LangGraph, for a person, Studio, the benchmarks and the trainer.

START ──> begin ──> planner ──> executor ──> verifier ──> generator ──> END
                       ^            ⇅           │
                       │        (approval)      │
                       └─────── not enough ─────┘

from agentflow_graph import graph
state = await graph.ainvoke({"question": "What is the population of Old Harbor?"})
state["answer"], state["turns"], state["stopped_by"]
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agentflow_graph.context import Context
from agentflow_graph.nodes.approval import approval
from agentflow_graph.nodes.begin import Begin, after_begin
from agentflow_graph.nodes.executor import after_executor, executor
from agentflow_graph.nodes.generator import generator
from agentflow_graph.nodes.operator import Operator
from agentflow_graph.nodes.planner import planner
from agentflow_graph.nodes.resources import Chat, ResourceCache, Resources, Source
from agentflow_graph.nodes.run import Node
from agentflow_graph.nodes.verifier import route, verifier
from agentflow_graph.record.file import Record
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.state import State

Agent = CompiledStateGraph[State, Context, State, State]


def build_graph(
    models: Mapping[str, Chat] | None = None,
    tools: Sequence[BaseTool] | None = None,
    record: Record | Path | str | None = None,
    operator: Operator | None = None,
) -> Agent:
    """Compile the graph.

    Args:
        models: chat models by module (planner, executor, verifier, generator, analysis); they win
            over their names in the Context.
        tools: they win over the Context's.
        record: where every run is recorded, a folder or an open `Record`; by default the folder
            that AGENTFLOW_RECORD names, else nowhere. On a server that refuses blocking calls,
            as `langgraph dev` does, use that variable or a `BackgroundRecord`.
        operator: what callers may set, for a graph behind a port; None: everything.

    Raises:
        SettingError: an unknown module.
    """
    cache = ResourceCache(models or {}, tools)
    if operator is None:
        return compile_graph(cache.of, Recorder(record))

    async def allowed(context: Context, missing: Iterable[str] | None = None, /) -> Resources:
        operator.check(context)
        return await cache.of(context, missing)

    return compile_graph(allowed, Recorder(record), operator.settled)


def compile_graph(
    resources: Source,
    recorder: Recorder,
    settled: Callable[[object], Context] = Context.given,
) -> Agent:
    """The graph over what a Context resolves to.

    Args:
        resources: what a Context resolves to.
        recorder: finds the records of its runs.
        settled: the settings of a run, from what its caller gave.
    """
    builder = StateGraph(State, context_schema=Context)
    builder.add_node("begin", Begin(resources, recorder, settled))
    for module in (planner, executor, approval, verifier, generator):
        builder.add_node(module.__name__, Node(resources, module, recorder))
    builder.add_edge(START, "begin")
    builder.add_conditional_edges("begin", after_begin)
    builder.add_edge("planner", "executor")
    builder.add_conditional_edges("executor", after_executor)
    builder.add_edge("approval", "executor")
    builder.add_conditional_edges("verifier", route)
    builder.add_edge("generator", END)
    return builder.compile(name="agentflow")


graph = build_graph()

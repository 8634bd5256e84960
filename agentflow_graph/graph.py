"""AgentFlow as one compiled LangGraph, for a person, Studio, the benchmarks and the trainer.

START ──> begin ──> planner ──> executor ──> verifier ──> generator ──> END
                       ^            ⇅           │
                       │        (approval)      │
                       └─────── not enough ─────┘

from agentflow_graph import graph
state = await graph.ainvoke({"question": "What is the population of Old Harbor?"})
state["answer"], state["turns"], state["stopped_by"]
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import DEFAULT_RECURSION_LIMIT
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import get_runtime

from agentflow_graph.context import Context
from agentflow_graph.models.clients.loops import wait_for
from agentflow_graph.models.providers.prices import Price, known_prices
from agentflow_graph.nodes.approval import approval
from agentflow_graph.nodes.begin import Begin, after_begin, told_alone
from agentflow_graph.nodes.executor import after_executor, executor
from agentflow_graph.nodes.generator import generator
from agentflow_graph.nodes.node import Node
from agentflow_graph.nodes.operator import Operator
from agentflow_graph.nodes.planner import planner
from agentflow_graph.nodes.resources import Chat, ResourceCache, Resources, Source
from agentflow_graph.nodes.verifier import route, verifier
from agentflow_graph.record.file import Record
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.record.spans import switch_on
from agentflow_graph.state import State

ROOM = 10_000
"""Supersteps that a run may take where nobody set a limit: its own budgets end it before."""


class Agent(CompiledStateGraph[State, Context, State, State]):
    """The compiled graph, which runs to its end wherever it is called.

    LangChain sets a recursion limit of 25 wherever a graph is called inside something else: a
    chain, a tool, a graph under `astream_events`. Nobody chose it, and it would end a run of ten
    turns in the middle; so 25 counts as no limit here, and any other holds.
    """

    def stream(self, input: Any, config: RunnableConfig | None = None, **how: Any) -> Iterator[Any]:
        """See LangGraph."""
        return super().stream(input, told_alone(input, self._with_room(config)), **how)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **how: Any
    ) -> AsyncIterator[Any]:
        """See LangGraph."""
        config = told_alone(input, self._with_room(config))
        async for part in super().astream(input, config, **how):
            yield part

    def _with_room(self, config: RunnableConfig | None) -> RunnableConfig:
        given = config or RunnableConfig()
        limit = given.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        if limit == DEFAULT_RECURSION_LIMIT:
            limit = (self.config or {}).get("recursion_limit", ROOM)
        return {**given, "recursion_limit": limit}


class Step(Runnable[State, Any]):
    """A node or an edge, for asynchronous callers and for synchronous ones.

    Args:
        work: what it does, a coroutine function of the state.
    """

    def __init__(self, name: str, work: Callable[[State], Awaitable[Any]]) -> None:
        self.name, self._work = name, work

    def invoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> Any:
        """On the loop of all synchronous callers, to which connections of models belong."""

        async def work() -> Any:
            return await self._work(input)

        return wait_for(work())

    async def ainvoke(self, input: State, config: RunnableConfig | None = None, **_: Any) -> Any:
        """On the loop of the run."""
        return await self._work(input)


def build_graph(
    models: Mapping[str, Chat] | None = None,
    tools: Sequence[BaseTool] | None = None,
    record: Record | Path | str | None = None,
    operator: Operator | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Agent:
    """Compile the graph.

    Args:
        models: chat models by module (planner, executor, verifier, generator, analysis); they win
            over their names in the Context.
        tools: objects, in place of those that the Context names.
        record: where every run is recorded, a folder or an open `Record`; by default the folder
            that AGENTFLOW_RECORD names, else nowhere. On a server that refuses blocking calls,
            as `langgraph dev` does, use that variable or a `BackgroundRecord`.
        prices: by model string, over the operator's and those that ship (docs/costs.md).
        operator: what callers may set, for a graph behind a port; None: everything.

    Raises:
        SettingError: an unknown module, or a model or a tool that is none.
    """
    own = known_prices().under(prices) if prices else None
    cache = ResourceCache(models or {}, tools, own)
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

    def add(name: str, node: Begin | Node) -> None:
        builder.add_node(name, Step(name, lambda state: node(state, runtime=get_runtime(Context))))

    add("begin", Begin(resources, recorder, settled))
    for module in (planner, executor, approval, verifier, generator):
        add(module.__name__, Node(resources, module, recorder))
    builder.add_edge(START, "begin")
    builder.add_conditional_edges("begin", Step("question", after_begin), ["planner", "generator"])
    builder.add_edge("planner", "executor")
    ways = ["approval", "verifier"]
    builder.add_conditional_edges("executor", Step("call", after_executor), ways)
    builder.add_edge("approval", "executor")
    builder.add_conditional_edges("verifier", Step("verdict", route), ["planner", "generator"])
    builder.add_edge("generator", END)
    # What `copy` does, which is how LangGraph itself makes one compiled graph of another.
    made = {n: v for n, v in vars(builder.compile(name="agentflow")).items() if n[:2] != "__"}
    return Agent(**made)


switch_on()
graph = build_graph()

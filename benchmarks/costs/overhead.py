"""What the graph itself costs: `python -m benchmarks.costs.overhead` prints a table and JSON.

* CPU milliseconds per turn, with a record on disk and without, beside a plain LangGraph of the same
  shape that makes the same calls of the same fake model and tool, measured in turn in one process.
* Rollouts per second while the model takes 50 ms a call, give or take a fifth, and 32 runs are in
  flight, beside what the sleeping alone would allow: in one process, and dealt out to two, as to
  the trainer's graph workers. One takes most of a core: a busy machine spoils the figure.

CPU time is `time.process_time`; of its rounds the best counts, because neighbours only ever add.
"""

import argparse
import asyncio
import json
import multiprocessing
import operator
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal

import uvloop
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import build_graph

TURNS = 4
AT_ONCE = 32
DELAY = 0.05
QUESTION = "What is the population of Old Harbor?"
TARGET_RATIO, TARGET_RECORD, TARGET_SHARE = 2.0, 1.2, 0.9
IDEAL = AT_ONCE / (TURNS * DELAY)
"""Rollouts per second if only the model took time."""


class Fake(BaseChatModel):
    """Plans the same step for ever, after `delay` seconds on average."""

    delay: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "fake"

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if self.delay:
            await asyncio.sleep(self.delay * random.uniform(0.8, 1.2))
        return self._generate(messages)

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        plan = AIMessage("Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up")
        return ChatResult(generations=[ChatGeneration(message=plan)])


@tool
async def look_up(query: str) -> str:
    """Look something up."""
    return f"{query}: nothing of interest."


class Plain(TypedDict, total=False):
    """State of the plain graph."""

    question: str
    memory: Annotated[list[dict[str, Any]], operator.add]
    step: dict[str, Any]
    answer: str


def plain_graph(model: BaseChatModel, tool: BaseTool) -> Any:
    """Four nodes and a conditional edge, written as LangGraph's tutorials do."""

    async def planner(state: Plain) -> Plain:
        memory = "\n".join(str(step) for step in state["memory"])
        reply = await model.ainvoke([HumanMessage(f"{state['question']}\n{memory}")])
        fields = dict(line.split(": ", 1) for line in str(reply.text).splitlines())
        return {"step": fields}

    async def executor(state: Plain) -> Plain:
        query = state["step"]["Context"]
        call = {"type": "tool_call", "id": "1", "name": tool.name, "args": {"query": query}}
        result = await tool.ainvoke(call)
        return {"memory": [{**state["step"], "result": str(result.text)}]}

    async def verifier(state: Plain) -> Plain:
        return {"step": {}}

    async def generator(state: Plain) -> Plain:
        return {"answer": state["memory"][-1]["result"]}

    def route(state: Plain) -> Literal["planner", "generator"]:
        return "generator" if len(state["memory"]) >= TURNS else "planner"

    builder = StateGraph(Plain)
    for node in (planner, executor, verifier, generator):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "planner")
    builder.add_edge("planner", "executor")
    builder.add_edge("executor", "verifier")
    builder.add_conditional_edges("verifier", route)
    builder.add_edge("generator", END)
    return builder.compile()


Once = Callable[[], Awaitable[Any]]


def ours(delay: float = 0.0, record: Path | None = None) -> Once:
    """One run of the AgentFlow graph: `TURNS` turns."""
    graph = build_graph({"planner": Fake(delay=delay)}, [look_up], record)
    context = Context(max_turns=TURNS, layout="terse")
    return lambda: graph.ainvoke({"question": QUESTION}, context=context)


def plain() -> Once:
    """One run of the plain graph: `TURNS` turns."""
    graph = plain_graph(Fake(), look_up)
    return lambda: graph.ainvoke({"question": QUESTION})


async def cpu_per_turn(rounds: int, runs: int, record: Path) -> list[float]:
    """Best CPU milliseconds per turn of (recorded, ours, plain), in turn within every round."""
    sides = ours(record=record), ours(), plain()
    best = [float("inf")] * len(sides)
    for _ in range(rounds):
        for side, once in enumerate(sides):
            begun = time.process_time()
            for _ in range(runs):
                await once()
            spent = 1000 * (time.process_time() - begun) / (runs * TURNS)
            best[side] = min(best[side], spent)
    return best


async def rollouts(seconds: float, at_once: int) -> tuple[float, float]:
    """(finished runs per second, cores used) over `seconds` with `at_once` in flight.

    Runs start spread over one delay. All at once, with a delay that never varies, they would stay
    in step for ever: all compute, then all sleep, which no real model makes them do.
    """
    once = ours(DELAY)
    await once()
    finished = 0

    async def worker(number: int) -> None:
        nonlocal finished
        await asyncio.sleep(DELAY * number / at_once)
        while True:
            await once()
            finished += 1

    workers = [asyncio.create_task(worker(number)) for number in range(at_once)]
    await asyncio.sleep(1.0)
    begun, cpu, before = time.perf_counter(), time.process_time(), finished
    await asyncio.sleep(seconds)
    passed = time.perf_counter() - begun
    found = (finished - before) / passed, (time.process_time() - cpu) / passed
    for one in workers:
        one.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return found


def _one_process(seconds: float, at_once: int) -> tuple[float, float]:
    # The event loop that Ray gives its actors.
    return uvloop.run(rollouts(seconds, at_once))


def rate(seconds: float, processes: int) -> dict[str, float]:
    """Rollouts per second of `processes` together, `AT_ONCE` in flight in all."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        shares = [AT_ONCE // processes] * processes
        found = list(pool.map(_one_process, [seconds] * processes, shares))
    rates, cores = zip(*found, strict=True)
    return {
        "processes": processes,
        "rollouts_per_second": sum(rates),
        "share_of_ideal": sum(rates) / IDEAL,
        "cores_used": sum(cores),
    }


def main() -> None:
    """Measure and print."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs.overhead")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=25, help="runs a round")
    parser.add_argument("--seconds", type=float, default=8, help="of rollouts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(cpu_per_turn(args.rounds, args.runs, Path(folder)))
    recorded, mine, reference = found
    costs = {"ratio": recorded / reference, "record_ratio": recorded / mine}
    print(f"CPU per turn  {mine:.3f} ms, recorded {recorded:.3f}, plain LangGraph {reference:.3f}")
    print(f"  recorded over plain {costs['ratio']:.2f}, at most {TARGET_RATIO}")
    print(f"  recorded over not recorded {costs['record_ratio']:.2f}, at most {TARGET_RECORD}")
    rates = [rate(args.seconds, processes) for processes in (1, 2)]
    for one in rates:
        print(
            f"rollouts per second, {one['processes']} process(es)  "
            f"{one['rollouts_per_second']:.1f} of {IDEAL:.0f}, "
            f"share {one['share_of_ideal']:.2f}, cores {one['cores_used']:.2f}"
        )
    print(f"  share of the ideal with two, at least {TARGET_SHARE}")
    cpu = {"cpu_ms": mine, "recorded_cpu_ms": recorded, "plain_cpu_ms": reference}
    print(json.dumps({**cpu, **costs, "rates": rates}))


if __name__ == "__main__":
    main()

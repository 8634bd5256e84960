"""What the runner costs: `python -m benchmarks.costs.runner` prints ratios and a line of JSON.

* Wall time of `--items` items of four model calls of `--delay` seconds each, 32 at once, against
  what the sleeping alone would take. Half a second is quick for a language model. One process has
  CPU for about 60 items a second, so below 0.15 s no order of work could keep up.
* CPU milliseconds a sample with a model that answers at once: the runner, which calls the graph
  directly, keeps a record and tells spans; and inspect's own `agent_bridge()` around the same
  graph, whose planner is `ChatOpenAI(model="inspect")` answered by inspect's `mockllm`. Both under
  the same settings of inspect, in turn in one process; best of the rounds. The bridge needs the
  OpenAI client, which is part of its price; the runner's planner is a fake that needs none. Only
  the runner spares the garbage collector, because that is a thing it does of its own.

The first evaluation of a process loads inspect's providers (seconds); it is not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
import time
from io import StringIO
from pathlib import Path
from typing import Any

from agentflow_graph.context import Context
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.state import State
from benchmarks.costs.overhead import TURNS, Fake, look_up
from benchmarks.items.item import Benchmark, Item
from benchmarks.runner.inspecting import LIGHT, kept_in
from benchmarks.runner.run import start
from benchmarks.runner.store.folder import Folder, Request

AT_ONCE = 32
QUESTION = "What is the population of Old Harbor?"
SETTINGS = {"max_turns": TURNS, "layout": "terse"}
PLAN = "Context: Old Harbor\nSub-Goal: find the facts\nTool Name: look_up"
TARGET_WALL, TARGET_CPU = 1.15, 0.5


BENCHMARK = Benchmark(
    name="fixed",
    title="Items of a fixed delay",
    kind="almanac",
    hub="",
    split="",
    licence="MIT",
    rule="exact",
    official=lambda row: Item("", "", ("",)),
    subsets={},
)


async def run_ours(agent: Agent, samples: int) -> None:
    """A run of the runner in a folder that is thrown away."""
    items = {f"i{n}": Item(f"i{n}", QUESTION, ("4821",)) for n in range(samples)}
    request = Request("fixed", {"fixed": "full"}, {"fixed": samples}, settings=SETTINGS)
    with tempfile.TemporaryDirectory() as path, StringIO() as nowhere:
        folder = Folder(Path(path))
        await start(folder, request, {"fixed": items}, {"fixed": BENCHMARK}, agent, out=nowhere)


async def run_bridge(agent: Agent, samples: int) -> None:
    """The same graph by inspect's bridge, scored by a scorer of inspect's own."""
    from inspect_ai import Task, eval_async
    from inspect_ai.agent import agent_bridge
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    def reply(*_: Any) -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", PLAN)
        # Without usage the bridge counts tokens by tiktoken, which downloads its vocabulary.
        output.usage = ModelUsage(input_tokens=100, output_tokens=20, total_tokens=120)
        return output

    @solver
    def by_bridge() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            async with agent_bridge():
                given = State(question=state.input_text)
                found = await agent.ainvoke(given, context=Context.of(SETTINGS))
            state.output = ModelOutput.from_content("agentflow", found["answer"])
            return state

        return solve

    task = Task(
        dataset=MemoryDataset([Sample(input=QUESTION, target="4821") for _ in range(samples)]),
        solver=by_bridge(),
        scorer=match(),
    )
    model = get_model("mockllm/model", custom_outputs=reply)
    with tempfile.TemporaryDirectory() as path, kept_in(Path(path) / "state"):
        logs = await eval_async(task, model=model, log_dir=path, max_samples=AT_ONCE, **LIGHT)
        done = logs[0].results.completed_samples if logs[0].results else 0
    if done != samples:
        raise RuntimeError(f"the bridge finished {done} of {samples} samples: {logs[0].error}")


def bridge_agent() -> Agent:
    """The graph with a planner that inspect's bridge answers."""
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    planner = ChatOpenAI(model="inspect", api_key=SecretStr("none"), max_retries=0)
    return build_graph({"planner": planner}, [look_up])


async def wall(samples: int, delay: float) -> tuple[float, float]:
    """Seconds of (the runner, the sleeping alone)."""
    begun = time.perf_counter()
    await run_ours(build_graph({"planner": Fake(delay=delay)}, [look_up]), samples)
    return time.perf_counter() - begun, math.ceil(samples / AT_ONCE) * TURNS * delay


async def cpu(rounds: int, samples: int) -> tuple[float, float]:
    """Best CPU milliseconds a sample of (the runner, the bridge)."""
    sides = (run_ours, build_graph({"planner": Fake()}, [look_up])), (run_bridge, bridge_agent())
    best = [math.inf, math.inf]
    for _ in range(rounds):
        for side, (work, agent) in enumerate(sides):
            begun = time.process_time()
            await work(agent, samples)
            best[side] = min(best[side], 1000 * (time.process_time() - begun) / samples)
    return best[0], best[1]


async def measure(args: argparse.Namespace) -> dict[str, float]:
    """Everything, after a warm-up of both sides."""
    await run_ours(build_graph({"planner": Fake()}, [look_up]), 4)
    await run_bridge(bridge_agent(), 4)
    mine, bridge = await cpu(args.rounds, args.samples)
    took, ideal = await wall(args.items, args.delay)
    return {
        "wall_seconds": took,
        "ideal_seconds": ideal,
        "wall_ratio": took / ideal,
        "cpu_ms": mine,
        "bridge_cpu_ms": bridge,
        "cpu_ratio": mine / bridge,
    }


def main() -> None:
    """Measure and print."""
    guard_output()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs.runner")
    parser.add_argument("--items", type=int, default=320, help="items of a fixed delay")
    parser.add_argument("--delay", type=float, default=0.5, help="seconds of one model call")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=100, help="samples a round")
    found = asyncio.run(measure(parser.parse_args()))
    print(
        f"runner, {AT_ONCE} at once  {found['wall_seconds']:.2f} s   "
        f"sleeping alone {found['ideal_seconds']:.2f} s"
    )
    print(f"  ratio {found['wall_ratio']:.2f}, at most {TARGET_WALL}")
    print(f"CPU a sample  {found['cpu_ms']:.1f} ms   agent_bridge {found['bridge_cpu_ms']:.1f} ms")
    print(f"  ratio {found['cpu_ratio']:.2f}, at most {TARGET_CPU}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()

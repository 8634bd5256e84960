"""Answer and judge some questions on a record; started again, it goes on where it was killed.

python recorded_work.py RECORD PROVIDER_URL EFFECTS QUESTIONS
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from langchain_core.tools import tool

from agentflow_graph import Context, build_graph
from agentflow_graph.record import Record, Scope, record_as
from agentflow_graph.record.run import on_behalf_of
from benchmarks.scoring.judge import Judge

record, url, effects, number = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
MODULES = ("planner", "executor", "verifier", "generator")


@tool
async def look_up(query: str) -> str:
    """Look something up."""
    file = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"x\n")
    os.close(file)
    await asyncio.sleep(0.02)
    return f"nothing about {query}"


async def main() -> None:
    kept = Record(record)
    graph = build_graph(tools=[look_up])
    context = Context(**{name: f"vllm:{name}@{url}" for name in MODULES}, max_turns=5)
    judge = Judge.of(f"vllm:judge@{url}")
    slots = asyncio.Semaphore(6)

    async def one(name: str) -> None:
        async with slots:
            run = kept.run(name)
            with record_as(run):
                state = await graph.ainvoke({"question": f"What is {name}?"}, context=context)
            with on_behalf_of(Scope(run, 0, "judge")):
                verdict = await judge(state["question"], ["yes"], state["answer"])
            run.note("graded", correct=verdict.correct)
            await kept.synced()

    done = {name for name, run in kept.known.items() if run.notes}
    await asyncio.gather(*(one(f"q{n}") for n in range(number) if f"q{n}" not in done))


asyncio.run(main())

"""Play recorded runs again: `python -m agentflow_graph replay DIR [RUN] [--until TURN] [--json]`.

The same graph runs on the recorded answers, without model, tool or network, and the first
difference to the record is reported. Runs of a training or of a benchmark can be played too: DIR
is then the `record` in their folder.

Exit codes: 0 all runs are the same, 1 some differ, 2 there is no such record or run, or it is
damaged, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import Tool

from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError, SettingError, closest
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import Agent, compile_graph
from agentflow_graph.models.providers.money import Rate
from agentflow_graph.models.tokens.tokenizer import tokenizer_of
from agentflow_graph.nodes.parts.toolset import ours
from agentflow_graph.nodes.resources import Resources
from agentflow_graph.prompts.memory import Count, approximate_tokens, shorten
from agentflow_graph.record.artifacts import interpreting
from agentflow_graph.record.events import as_json, damaged_lines
from agentflow_graph.record.reading import RecordedRun, files_of, of_a_record, read
from agentflow_graph.record.recorder import Recorder
from agentflow_graph.record.replay import Difference, EndOfRecord, Replay
from agentflow_graph.record.run import record_as
from agentflow_graph.state import State
from agentflow_graph.terminal.verbs import program

WIDEST = 120
"""Characters of a question or an answer on its line."""
UNCOMPARED = ("messages", "asked_by")
"""They belong to the thread in which the question was asked."""


@dataclass(frozen=True)
class Replayed:
    """How a run played again."""

    run: str
    state: dict[str, Any]
    """As far as it came."""
    difference: str = ""
    """Empty where it is the same as recorded."""
    note: str = ""
    """Why it stopped early, where it did."""


async def replay(recorded: RecordedRun, record: Path, until: int = 0) -> Replayed:
    """Play one run again.

    Args:
        recorded: the run.
        record: the folder it was read from, which has what its planner counts tokens with.
        until: the last turn to play; 0: all.

    Raises:
        SettingError: the record lacks what the run worked with.
    """
    agent, context = _agent(recorded, record), Context.of(recorded.settings)
    config: RunnableConfig = {"recursion_limit": context.recursion_limit}
    state: dict[str, Any] = {}
    with record_as(Replay(recorded, until)):
        given = State(
            question=recorded.question,
            conversation=recorded.conversation,
            images=recorded.images,
        )
        try:
            async for values in agent.astream(given, config, context=context, stream_mode="values"):
                state = dict(values)
        except Difference as difference:
            return Replayed(recorded.name, state, difference=str(difference))
        except EndOfRecord as end:
            return Replayed(recorded.name, state, note=str(end))
    return Replayed(recorded.name, state, difference=_difference(recorded, state))


def _difference(recorded: RecordedRun, state: dict[str, Any]) -> str:
    if recorded.state is None:
        return "the replay ended and the recorded run did not"
    now = json.loads(as_json({key: state[key] for key in state if key not in UNCOMPARED}))
    for key, before in recorded.state.items():
        if key not in UNCOMPARED and now.get(key) != before:
            return f"{key} ended as {now.get(key)!r}, recorded is {before!r}"
    return ""


def _agent(recorded: RecordedRun, record: Path) -> Agent:
    told = recorded.resources
    if not told:
        raise SettingError(f"the record of {recorded.name} does not say what the run worked with")
    tools: Mapping[str, Any] = told["tools"]
    resources = Resources(
        models=dict.fromkeys(told["models"], cast(Any, None)),
        requests=told["models"],
        tools={n: Tool(n, None, t["description"]) for n, t in tools.items()},
        schemas={name: tool["schema"] for name, tool in tools.items()},
        cards={name: tool["card"] for name, tool in tools.items()},
        layout=told["layout"],
        memory_tokens=told["memory_tokens"],
        lost=told.get("lost", {}),
        late=told.get("late", ""),
        to_approve=frozenset(told.get("to_approve", ())),
        rates={who: Rate.from_record(rate) for who, rate in told.get("rates", {}).items()},
        count=_counter(told["tokenizer"], record),
    )

    async def of(context: Context, missing: Iterable[str] | None = None, /) -> Resources:
        return resources

    return compile_graph(of, Recorder())


def _counter(digest: str, record: Path) -> Count:
    if not digest:
        return approximate_tokens
    name = f"{digest}.tokenizer"
    for path in (*record.rglob(name), record.parent / name):
        if path.exists():
            tokenizer = tokenizer_of(path, "copy it anew from where the run was recorded")
            return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
    raise SettingError(
        f"{record} lacks {digest}.tokenizer, which the planner's memory is counted with; copy it "
        "from where the run was recorded"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    guard_output()
    parser = argparse.ArgumentParser(
        prog=f"{program()} replay",
        description="Play recorded runs again, without model, tool or network.",
    )
    parser.add_argument("record", type=Path, metavar="DIR", help="folder of the record")
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="this run only")
    parser.add_argument("--until", type=int, metavar="TURN", help="the last turn")
    parser.add_argument("--json", action="store_true", help="the replayed state, a line a run")
    args = parser.parse_args(arguments)
    if args.until is not None and args.until < 1:
        parser.error(f"--until {args.until}: turns count from 1")

    def play() -> int:
        return asyncio.run(_play(args.record, args.run, args.until or 0, args.json))

    try:
        code: int = ours("tools.outcomes.interrupts").ended(play, patience=2.0)
    except AgentFlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


async def _play(record: Path, name: str, until: int, as_lines: bool) -> int:
    runs = _chosen(record, name)
    differ = incomplete = 0
    for run in runs:
        with interpreting(record, f"run {run.name} cannot be played; record it again"):
            done = await replay(run, record, until)
        differ += bool(done.difference)
        incomplete += run.state is None
        if as_lines:
            kept = {key: value for key, value in done.state.items() if key != "messages"}
            print(as_json({**vars(done), "state": kept}).decode())
        else:
            print(f"{run.name}  {done.difference or done.note or 'same'}  {_asked(run, done)}")
    print(f"runs: {len(runs)}, differ: {differ}, not ended: {incomplete}", file=sys.stderr)
    for path in filter(of_a_record, files_of(record)):
        if damaged := damaged_lines(path):
            print(f"damaged lines in {path}: {damaged}; passed over", file=sys.stderr)
    return 1 if differ else 0


def _asked(run: RecordedRun, done: Replayed) -> str:
    """Question and answer on one line."""
    answer = done.state.get("answer") or "no answer"
    question, answer = (shorten(" ".join(text.split()), WIDEST) for text in (run.question, answer))
    return f"{question} -> {answer}"


def _chosen(record: Path, name: str) -> list[RecordedRun]:
    if record.is_file():
        raise SettingError(f"{record} is a file; give the folder of the record")
    runs = {run.name: run for run in read(record).values() if run.begun}
    if not runs:
        raise SettingError(f"{record} holds no recorded run; record some with --record DIR")
    if name and name not in runs:
        raise SettingError(f"{record} has no run {name!r}{closest(name, runs)}")
    return [runs[name]] if name else list(runs.values())

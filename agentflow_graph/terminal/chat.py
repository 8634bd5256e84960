"""A conversation in the terminal: `agentflow chat [--model M] [--set NAME=VALUE]`.

Each line is a question. The modules' models see the last ten messages before it, so that "And twice
that?" is understood (`--set conversation=N`); the nano planner sees the question alone. A call that
must be approved is asked about in place. An empty line, exit or Ctrl-D ends it; a question that
fails does not.

Exit codes: 0 ended by the person, 2 a setting is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agentflow_graph.context import Context
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.errors.outside import guard_output
from agentflow_graph.graph import Agent, build_graph
from agentflow_graph.nodes.parts.toolset import ours
from agentflow_graph.record import RecordError
from agentflow_graph.state import State
from agentflow_graph.terminal.asking import answered, typed
from agentflow_graph.terminal.settings import add_settings, given_by
from agentflow_graph.terminal.showing import show_of, spent
from agentflow_graph.terminal.verbs import program

EARLIER = 10
"""Messages of the conversation that models are shown."""
ENDS = ("", "exit", "quit")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and talk; returns the exit code."""
    guard_output()
    args = _parser().parse_args(arguments)
    try:
        chosen = given_by(args)
        context = Context.of(chosen)
        if context.planner != "nano" and "conversation" not in chosen:
            context = Context.of({**chosen, "conversation": EARLIER})
        agent = build_graph(record=args.record)
        interrupts = ours("tools.outcomes.interrupts")
    except (AgentFlowError, RecordError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    agent.checkpointer = InMemorySaver()
    code: int = interrupts.ended(lambda: asyncio.run(_talk(agent, context)), patience=2.0)
    return code


async def _talk(agent: Agent, context: Context) -> int:
    config: RunnableConfig = {
        "recursion_limit": context.recursion_limit,
        "configurable": {"thread_id": "terminal"},
    }
    while (text := _said()) not in ENDS:
        given = State(messages=[HumanMessage(text)])
        try:
            state = await answered(agent, given, config, context, show_of(quiet=False))
        except (AgentFlowError, RecordError) as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        print(f"\n{state['answer']}   ({spent(state)})")
        if state["error"]:
            print(f"error: {state['error']}", file=sys.stderr)
    return 0


def _said() -> str:
    try:
        return typed("\n> ")
    except EOFError:
        return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} chat",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep all that was asked there")
    return parser

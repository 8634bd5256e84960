"""A question asked from a terminal, with a person there to decide about tool calls."""

from __future__ import annotations

import json
import signal
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StreamMode

from agentflow_graph.context import Context
from agentflow_graph.graph import Agent
from agentflow_graph.state import State
from agentflow_graph.terminal.showing import Silent


async def answered(
    agent: Agent, given: State, config: RunnableConfig, context: Context, show: Silent
) -> State:
    """The finished state; what happens on the way is shown, and a person asked where one must be.

    Args:
        agent: with a checkpointer, if calls wait for a person.
        given: the graph's input.
        config: with a thread_id then.
        context: the settings.
        show: who is told.

    Raises:
        AgentFlowError: a setting or the question cannot be used.
    """
    state: State = {}
    asked: State | Command[Any] | None = given
    modes: list[StreamMode] = ["values", "custom"]
    with show:
        while asked is not None:
            waits = None
            async for mode, told in agent.astream(
                asked, config, context=context, stream_mode=modes
            ):
                if mode == "values":
                    state, waits = cast(State, told), told.get("__interrupt__")
                else:
                    show.told(told)
            asked = None
            if waits:
                with show.asking():
                    asked = Command(resume=_decision(waits[0].value))
    return state


def _decision(request: dict[str, Any]) -> dict[str, Any]:
    """Ask about a tool call; see `agentflow_graph.nodes.approval`."""
    action = request["action_requests"][0]
    print(f"\n{action['description']}\n  {action['name']}({json.dumps(action['args'])})")
    while (made := _understood(_said())) is None:
        pass
    return made


def _said() -> str:
    try:
        return typed("Run it? yes, no and why, or other arguments as JSON: ")
    except EOFError:
        return "no: the terminal was closed"


def typed(prompt: str) -> str:
    """A line that a person types, without the space around it; Ctrl-C ends the program at once.

    asyncio would only note it, and `input` go on waiting for a line.

    Raises:
        EOFError: there will be none.
    """
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(prompt).strip()
    finally:
        signal.signal(signal.SIGINT, former)


def _understood(said: str) -> dict[str, Any] | None:
    """The decision; None, and what may be said, where it is none."""
    if said.startswith("{"):
        return {"type": "edit", "args": _arguments(said)}
    word, _, reason = said.partition(" ")
    if word.lower().strip(",:.") in ("n", "no"):
        return {"type": "reject", "message": reason.strip()}
    if said.lower().strip(",:.") in ("y", "yes"):
        return {"type": "approve"}
    print(f"{said[:80]!r} was not understood: say yes, or no and why, or give a JSON object")
    return None


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""What a run tells while it works, and that as lines of a terminal.

    async for event in graph.astream(given, context=context, stream_mode="custom"):
        print(line(event))

Each event is a dict with a `type`; over HTTP it is the same as JSON. They tell of work that is done
now: what a resumed run finds in its state is not told again.
"""

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from agentflow_graph.prompts.memory import command, shorten
from agentflow_graph.state import Status, StoppedBy, ToolCall, Turn

LONGEST = 400
"""Characters of a result in a terminal."""


class Began(TypedDict):
    """A module takes its turn."""

    type: Literal["began"]
    module: str
    """planner, executor, approval, verifier or generator."""
    turn: int
    """Counts from 1; 0 for the generator, which belongs to none."""


class Planned(TypedDict):
    """The planner decided."""

    type: Literal["planned"]
    turn: int
    sub_goal: str
    tool: str
    error: str
    """Why there is no usable plan; the two others are empty then."""
    stopped_by: StoppedBy
    """What ended the run where a model did not answer; else empty."""


class Called(TypedDict):
    """A tool starts."""

    type: Literal["called"]
    turn: int
    tool: str
    arguments: dict[str, Any]


class Returned(TypedDict):
    """What came of the turn's call, also where none was made."""

    type: Literal["returned"]
    turn: int
    tool: str
    status: Status
    result: str
    seconds: float


class Judged(TypedDict):
    """The verifier's verdict, and what ends the run, if anything does."""

    type: Literal["judged"]
    turn: int
    complete: bool
    reason: str
    stopped_by: StoppedBy


class Answered(TypedDict):
    """The run is at its end."""

    type: Literal["answered"]
    answer: str
    stopped_by: StoppedBy
    error: str


Progress = Began | Planned | Called | Returned | Judged | Answered


def progress_of(module: str, state: Mapping[str, Any], update: Mapping[str, Any]) -> list[Progress]:
    """What a module's update tells.

    Args:
        module: whose it is.
        state: that it worked on.
        update: of the state, without secrets.
    """
    if module == "generator":
        stopped_by = update.get("stopped_by", state["stopped_by"])
        error = update.get("error", state["error"]) if stopped_by == "error" else ""
        return [
            Answered(type="answered", answer=update["answer"], stopped_by=stopped_by, error=error)
        ]
    found: list[Progress] = []
    turns: list[Turn] = update.get("turns", [])
    for turn in turns:
        if module == "planner":
            found.append(_planned(turn, update.get("stopped_by", "")))
        if module == "executor":
            found += [_returned(turn["index"], call) for call in turn.get("calls", [])]
        if module == "verifier":
            stopped_by, index = update["stopped_by"], turn["index"]
            told = Judged(type="judged", turn=index, **turn["verdict"], stopped_by=stopped_by)
            found.append(told)
    return found


def _planned(turn: Turn, stopped_by: StoppedBy) -> Planned:
    goal, tool = ("", "") if turn["error"] else (turn["sub_goal"], turn["tool"])
    return Planned(
        type="planned",
        turn=turn["index"],
        sub_goal=goal,
        tool=tool,
        error=turn["error"],
        stopped_by=stopped_by,
    )


def _returned(turn: int, call: ToolCall) -> Returned:
    return Returned(
        type="returned",
        turn=turn,
        tool=call["tool"],
        status=call["status"],
        result=call["result"],
        seconds=call["seconds"],
    )


def line(event: Progress) -> str:
    """The event for a terminal; empty for one that needs no line."""
    match event["type"]:
        case "began":
            return f"Turn {event['turn']}" if event["module"] == "planner" else ""
        case "planned":
            return f"  planner    {_plan(event)}"
        case "called":
            return f"  executor   {event['tool']}({command(event['arguments'])})"
        case "returned":
            result = shorten(" ".join(event["result"].split()), LONGEST)
            return f"  {event['status']:10} {result}   ({event['seconds'] * 1000:.0f} ms)"
        case "judged":
            decision = "enough" if event["complete"] else "go on"
            return f"  verifier   {decision}: {event['reason']}"
        case "answered":
            return ""


def _plan(event: Planned) -> str:
    if event["stopped_by"]:
        return f"no plan (stopped by: {event['stopped_by']})"
    return "unreadable plan" if event["error"] else f"{event['sub_goal']} -> {event['tool']}"

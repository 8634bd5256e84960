"""What a run tells while it works, and that as lines of a terminal.

    async for event in graph.astream(given, context=context, stream_mode="custom"):
        print(line(event))

Each event is a dict with a `type`; over HTTP it is the same as JSON. They tell of work that is done
now: what a resumed run finds in its state is not told again.
"""

from typing import Any, Literal

from typing_extensions import TypedDict

from agentflow_graph.prompts.memory import command, shorten
from agentflow_graph.state import Status, StoppedBy, ToolCall

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


def planned(turn: int, sub_goal: str = "", tool: str = "", error: str = "") -> Planned:
    """The event of a plan, or of a plan that cannot be used."""
    return Planned(type="planned", turn=turn, sub_goal=sub_goal, tool=tool, error=error)


def returned(turn: int, call: ToolCall) -> Returned:
    """The event of a finished call."""
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
            told = f"{event['sub_goal']} -> {event['tool']}"
            return f"  planner    {'unreadable plan' if event['error'] else told}"
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

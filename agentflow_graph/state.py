"""What a run remembers: the typed, evolving memory of AgentFlow (arXiv 2510.05592, section 3).

The record of a run is complete (`agentflow_graph.record`); the state is what the agent knows. It is
light, for every step of a run is a checkpoint of it, and made of TypedDicts, so that it travels
through checkpoints and Studio as plain JSON and can be edited there.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from agentflow_graph.errors import Fault, SettingError

Status = Literal["ok", "error", "timeout", "unavailable"]
StoppedBy = Literal["", "verifier", "turns", "seconds", "tokens", "money", "error"]


class ModelCall(TypedDict):
    """One call of a module's model: what it spent, and how to find it in the run's record."""

    number: int
    """Of the module's calls in this turn, from 0."""
    finish_reason: str
    input_tokens: int
    output_tokens: int
    seconds: float


class ToolCall(TypedDict):
    """One call of one tool, or the reason why none was made."""

    tool: str
    arguments: dict[str, Any]
    status: Status
    result: str
    seconds: float
    data: NotRequired[dict[str, Any]]
    """What else the tool told, in single values: `backend`, who answered; code that it wrote;
    `away`, where its service could not be asked and may be back; `leak`, where it held the item of
    a benchmark that was asked."""


class Verdict(TypedDict):
    """What the verifier said of the memory."""

    complete: bool
    reason: str


class Proposal(TypedDict):
    """A tool call as it will run, and what a person said to it."""

    tool: str
    arguments: dict[str, Any]
    status: Literal["waiting", "approved", "refused", "answered"]
    message: str
    """Why it was refused, or what the person answered in its place."""


class Turn(TypedDict, total=False):
    """One round through planner, executor and verifier; `index` counts from 1."""

    index: int
    justification: str
    context: str
    sub_goal: str
    tool: str
    error: str
    """Why there is no usable plan; empty when there is one."""
    planner: list[ModelCall]
    """Every planner call of the turn, repairs included: each is one action of the policy."""
    proposal: Proposal
    """There only if the call needs approval."""
    calls: list[ToolCall]
    verdict: Verdict


Usage = dict[str, dict[str, float]]
"""By module, and as `TOOL.model` for a tool's: `calls`, `input_tokens`, `output_tokens` (as the
server counts, else about four characters each) and `seconds`; where a provider tells them, of the
input `cached_tokens` and of the output `reasoning_tokens`. As `TOOL.SERVICE` for a service that is
paid by the call: `calls`."""


class Cost(TypedDict):
    """What an entry of usage cost."""

    of: str
    """Who was asked: a model string, or a service."""
    dollars: float | None
    """None: no price is known."""


class Money(TypedDict):
    """What a run cost in US dollars, by the prices that it began with."""

    total: float | None
    """None where something was asked that has no price."""
    by: dict[str, Cost]
    """By entry of usage."""


def _check(turns: object) -> None:
    if not isinstance(turns, list):
        raise SettingError(f"turns={str(turns)[:80]!r} is no list of turns; give a list")
    for turn in turns:
        if not (isinstance(turn, dict) and isinstance(turn.get("index"), int)):
            raise SettingError(
                f"a turn without its index ({str(turn)[:80]}); give {{'index': 1, ...}}, for a "
                "turn is completed by its number"
            )


def merge_turns(left: list[Turn], updates: Sequence[list[Turn]]) -> list[Turn]:
    """Reducer: a known `index` is completed, another appended.

    No turn at all, or the planning of turn 1, begins anew. One update after the other, so that it
    does not matter which of them come together.

    Raises:
        SettingError: an edit of the state brought in something else.
    """
    merged = {turn["index"]: turn for turn in left}
    for right in updates:
        _check(right)
        if not right or (right[0]["index"] == 1 and "planner" in right[0]):
            merged = {}
        for turn in right:
            merged[turn["index"]] = {**merged.get(turn["index"], Turn()), **turn}
    return list(merged.values())


def merge_usage(left: Usage, right: Usage) -> Usage:
    """Sums by module and name; to the microsecond, so that the order of calls is no matter."""
    merged = dict(left)
    for module, spent in right.items():
        before = merged.get(module, {})
        merged[module] = {n: round(before.get(n, 0) + value, 6) for n, value in spent.items()}
    return merged


def merge_settings(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """A run writes all of them; an edit, those that it changes."""
    return {**left, **right}


class State(TypedDict, total=False):
    """Input, memory and output of the graph; also its output schema, or Studio would show nulls."""

    settings: Annotated[dict[str, Any], merge_settings]
    """What the run began with: every field of the Context. An edit may name some of them."""
    run: str
    """Name of this run in the record; another one for each question."""

    question: str
    messages: Annotated[list[AnyMessage], add_messages]
    """Chat surface: a new human message is the question, the answer is appended."""
    asked_by: str
    """The human message answered last, by id and text; only another one asks anew."""
    conversation: str
    """What was said before on the thread, as far as the settings show it."""
    images: list[dict[str, Any]]
    """Of the question, as LangChain's standard content blocks."""
    analysis: str
    turns: Annotated[list[Turn], DeltaChannel(merge_turns)]
    answer: str
    outputs: dict[str, str]
    stopped_by: StoppedBy
    error: str
    """What ended the run: the value, the reason and the remedy."""
    fault: Fault
    """Whose fault `error` is; empty without one."""
    missing: dict[str, str]
    """MCP servers that the run does without, and single tools as `SERVER#TOOL`, with the reason."""
    layout: str
    """Prompt layout of this run's planner."""
    usage: Usage
    money: Money
    """There once the run has ended."""
    seconds: float
    """Time the nodes worked, without the time the run waited for a human."""


class Finished(TypedDict):
    """What a run gives its caller at the end: the State with all that is then there."""

    question: str
    messages: list[AnyMessage]
    analysis: str
    turns: list[Turn]
    answer: str
    outputs: dict[str, str]
    stopped_by: StoppedBy
    error: str
    fault: Fault
    settings: dict[str, Any]
    usage: Usage
    money: Money
    seconds: float


CLEAN = State(
    conversation="",
    images=[],
    analysis="",
    turns=[],
    answer="",
    outputs={},
    stopped_by="",
    error="",
    fault="",
    missing={},
    usage={},
    money=Money(total=0.0, by={}),
    seconds=0.0,
)
"""What a new question starts from."""

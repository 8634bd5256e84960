"""What a run remembers: the typed, evolving memory of AgentFlow (arXiv 2510.05592, section 3).

A finished state is the whole record of a run; the trainer reads a rollout from it and hooks
nothing. Records are TypedDicts, so that states travel through checkpoints and Studio as plain JSON.
"""

from typing import Annotated, Any, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

Status = Literal["ok", "error", "timeout", "unavailable"]
StoppedBy = Literal["", "verifier", "turns", "seconds", "tokens", "error"]


class ModelCall(TypedDict, total=False):
    """One call of one model. The token fields exist only where the model is a policy."""

    text: str
    prompt_ids: list[int]
    """Token ids of the whole prompt, chat template included."""
    token_ids: list[int]
    """Sampled token ids, the end-of-turn token included when one was sampled."""
    logprobs: list[float]
    """Natural log-probability of each sampled token under the distribution sampled from."""
    policy_version: int
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
    """What else the tool told, in single values: `backend`, who answered; code that it wrote."""


class Verdict(TypedDict):
    """What the verifier said of the memory."""

    complete: bool
    reason: str


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
    calls: list[ToolCall]
    verdict: Verdict


Usage = dict[str, dict[str, float]]
"""By module: `calls`, `input_tokens`, `output_tokens` (as the server counts) and `seconds`."""


def merge_turns(left: list[Turn], right: list[Turn]) -> list[Turn]:
    """Reducer: a known `index` is completed, another appended; planning turn 1 begins anew."""
    anew = right and right[0]["index"] == 1 and "planner" in right[0]
    merged = {} if anew else {turn["index"]: turn for turn in left}
    for turn in right:
        merged[turn["index"]] = {**merged.get(turn["index"], Turn()), **turn}
    return list(merged.values())


def merge_usage(left: Usage, right: Usage) -> Usage:
    """Sums by module and name."""
    merged = dict(left)
    for module, spent in right.items():
        before = merged.get(module, {})
        merged[module] = {name: before.get(name, 0) + value for name, value in spent.items()}
    return merged


class State(TypedDict, total=False):
    """Input, memory and output of the graph; also its output schema, or Studio would show nulls."""

    question: str
    messages: Annotated[list[AnyMessage], add_messages]
    """Chat surface: a new human message is the question, the answer is appended."""
    asked_by: str
    """Id of the human message answered last; only another one asks anew."""
    analysis: str
    turns: Annotated[list[Turn], merge_turns]
    answer: str
    outputs: dict[str, str]
    stopped_by: StoppedBy
    error: str
    """The fault that ended the run: the value, the reason and the remedy."""
    layout: str
    """Prompt layout of this run's planner."""
    usage: Usage
    seconds: float
    """Time the nodes worked, without the time the run waited for a human."""


CLEAN = State(
    analysis="", turns=[], answer="", outputs={}, stopped_by="", error="", usage={}, seconds=0.0
)
"""What a new question starts from."""

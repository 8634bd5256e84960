"""What an event of a benchmark must hold; a record may come from anybody, and be damaged.

    [event for event in events if fits(event)]

A checksum says only that a line is whole. An event that lacks what its kind needs is passed over
like a torn one: its trial is then missing, and `resume` makes it again.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from agentflow_graph.state import Turn, Usage

STRICT = ConfigDict(strict=True)


@with_config(STRICT)
class Final(TypedDict):
    """A finished state, as far as it is read."""

    turns: list[Turn]
    outputs: dict[str, str]
    answer: str
    analysis: str
    stopped_by: str
    error: str
    seconds: float
    usage: Usage


@with_config(STRICT)
class OfTrial(TypedDict):
    """What every event of one trial has."""

    task: str
    item: str
    trial: int


@with_config(STRICT)
class Ran(OfTrial):
    """`trial`: a run came to an end."""

    run: str
    seconds: float
    cost: float | None
    error: str


@with_config(STRICT)
class Scored(OfTrial):
    """`scored`: an answer and its mark."""

    scoring: int
    value: float
    answer: str
    rule: str
    f1: float | None
    by: str
    judge: str
    reason: str


@with_config(STRICT)
class Unscored(OfTrial):
    """`unscored`: the judge or the rule failed."""

    scoring: int
    error: str


@with_config(STRICT)
class Scoring(TypedDict):
    """`scoring`: a later scoring of all runs is complete."""

    scoring: int
    judge: str


@with_config(STRICT)
class ScoringBegun(Scoring):
    """`scoring_begun`: a later scoring of all runs."""

    version: str
    """Of the project, whose rules mark."""


@with_config(STRICT)
class Told(TypedDict, total=False):
    """What is told of a sitting."""

    date: str
    version: str
    commit: str
    judge: str
    served: dict[str, str]
    tools: dict[str, str]
    prompts: dict[str, str]


@with_config(STRICT)
class Sitting(TypedDict):
    """`sitting`: another process goes on with the run; what is `told` of it."""

    scoring: int
    told: Told


SHAPES: dict[str, TypeAdapter[Any]] = {
    "trial": TypeAdapter(Ran),
    "scored": TypeAdapter(Scored),
    "unscored": TypeAdapter(Unscored),
    "scoring": TypeAdapter(Scoring),
    "scoring_begun": TypeAdapter(ScoringBegun),
    "sitting": TypeAdapter(Sitting),
}
FINAL: TypeAdapter[Any] = TypeAdapter(Final)


def fits(event: dict[str, Any]) -> bool:
    """Whether an event has what its kind needs; those of other kinds have."""
    shape = SHAPES.get(event["event"])
    return shape is None or _is(shape, event)


def is_final(state: dict[str, Any]) -> bool:
    """Whether a state is a finished one, with all that is read of it."""
    return _is(FINAL, state) and all("index" in turn for turn in state["turns"])


def _is(shape: TypeAdapter[Any], value: dict[str, Any]) -> bool:
    try:
        shape.validate_python(value)
    except ValidationError:
        return False
    return True

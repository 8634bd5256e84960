"""Runs on record as a graph worker leaves them, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from agentflow_graph.record import Record, RunRecord
from agentflow_graph.record.events import Answer, Key
from agentflow_graph.state import ModelCall, State, Turn
from rl.reward.task import Task
from rl.rollout import Action, Trajectory, run_name

LOST = Action([1], [2], [-1.0], 0, "stop")


def light_call(number: int, action: Action) -> ModelCall:
    """What the state keeps of a planner call."""
    return ModelCall(
        number=number,
        finish_reason=action.finish_reason,
        input_tokens=len(action.prompt_ids),
        output_tokens=len(action.token_ids),
        seconds=0.5,
    )


def answer(action: Action, text: str = "") -> Answer:
    """What the record keeps of it."""
    call = light_call(0, action)
    told = {name: value for name, value in call.items() if name != "number"}
    return {"text": text, **told, **vars(action)}


def ended(
    task: Task, said: str, turns: int = 1, calls: Sequence[Answer] | None = None, **more: Any
) -> tuple[State, RunRecord]:
    """A run that ended with an answer: its state, and its record.

    It has one planner call a turn, or all of `calls` in its only turn.
    """
    record, made = RunRecord(f"{task.id}/0/0"), []
    each = [[answer(LOST)]] * turns if calls is None else [calls]
    for index, given in enumerate(each, 1):
        keys = [Key("planner", index, number, "0" * 16) for number in range(len(given))]
        record.calls += zip(keys, given, strict=True)
        light = [light_call(key.number, LOST) for key in keys]
        made.append(Turn(index=index, planner=light, calls=[]))
    state = State(question=task.question, turns=made, stopped_by="turns", error="", answer=said)
    return cast(State, {**state, **more}), record


def keep(
    record: Record, batch: str, number: int, run: Trajectory, texts: Sequence[str] = ()
) -> None:
    """Write a run: its planner calls (`texts` are the replies), its end, what it earned."""
    name = run_name(batch, run.task, number, run.attempts - 1)
    turns = run.state.get("turns", [])
    calls = [(turn["index"], call["number"]) for turn in turns for call in turn["planner"]]
    said = iter(texts)
    # A failed run has calls and no actions.
    for place, action in zip(calls, run.actions or [LOST] * len(calls), strict=True):
        event = {"run": name, "call": Key("planner", *place, "0" * 16)}
        record.write({"event": "asked", **event, "request": {}})
        record.write({"event": "answered", **event, "answer": answer(action, next(said, ""))})
    if run.state:
        state = {key: value for key, value in run.state.items() if key != "messages"}
        record.write({"event": "ended", "run": name, "state": state})
    record.write(run.outcome_event(batch, number))

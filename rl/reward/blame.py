"""Whose fault it was that a run ended as it did, from its state and its record.

A run that the policy ended (turns, tokens, seconds of its own choosing, a prompt that its calls
flooded) has an outcome and is graded. One that the world ended has none: it says nothing of the
policy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentflow_graph.errors import Fault

if TYPE_CHECKING:
    from agentflow_graph.record import RunRecord
    from agentflow_graph.record.events import Answer
    from agentflow_graph.state import State

OWN_BUDGETS = ("turns", "tokens", "money")
"""What stops a run that the policy did not end: nobody else spends these."""


def blame(state: State, run: RunRecord, budget: float) -> tuple[Fault, str]:
    """Who ended a run, and the reason where it was the world; nobody ends one that is complete.

    Args:
        state: the finished state.
        run: its record.
        budget: seconds that it had.
    """
    for turn in state["turns"]:
        for call in turn["calls"]:
            if call.get("data", {}).get("away"):
                return "world", f"the service of {call['tool']} was away: {call['result']}"
    if state["stopped_by"] == "seconds":
        return _out_of_seconds(state, run, budget)
    if state["error"]:
        # On the first turn a prompt holds nothing but the question: that one is not flooded.
        flooded = state.get("fault") == "policy" and run.answered["planner"] > 0
        return ("policy", "") if flooded else ("world", state["error"])
    return ("policy" if state["stopped_by"] in OWN_BUDGETS else ""), ""


def _out_of_seconds(state: State, run: RunRecord, budget: float) -> tuple[Fault, str]:
    """The servers' fault where the models of one turn let the run wait for half of its time.

    What took the time otherwise is the policy's choice: a tool that runs long, one turn more. The
    answer has time of its own, so a generator that does not answer is a server that is away.
    """
    waits: dict[int, float] = defaultdict(float)
    for key, answer in run.calls:
        if "finish_reason" in answer:  # a model's; a tool's has a status
            waits[key.turn] += answer["seconds"]
    for key, seconds in run.lost:
        waits[key.turn] += seconds
        if key.node.startswith("generator"):
            return "world", state["error"]
    longest = max(waits.values(), default=0.0)
    if longest < budget / 2:
        return "policy", ""
    waited = f"out of time, and {longest:.3g} s of {budget:.3g} s were spent waiting for models"
    return "world", f"{waited}: {state['error']}" if state["error"] else waited


def fault_of(answers: Sequence[Answer]) -> str:
    """Why these planner calls cannot be trained on; empty if they can."""
    if not answers:
        return "the run has no planner call"
    for number, answer in enumerate(answers, 1):
        if not answer.get("token_ids") or not answer.get("prompt_ids"):
            return f"planner call {number} has no token ids: is the planner a PolicyModel?"
        tokens, logprobs = len(answer["token_ids"]), len(answer.get("logprobs", []))
        if tokens != logprobs:
            return f"planner call {number} has {tokens} tokens but {logprobs} log-probabilities"
    return ""

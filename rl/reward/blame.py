"""Whose fault it was that a run ended as it did, from its state and its record.

A run that the policy ended (turns, tokens, tools that ran long, a prompt that its calls flooded)
has an outcome and is graded. One that the world ended has none: it says nothing of the policy.
"""

from __future__ import annotations

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
    """The policy's fault where the tools that it called ran for half of its time; else the world's.

    How many turns and tokens it takes has budgets of its own. For how long a model lets a run wait,
    or a machine that is busy with others, is nobody's choice. The answer has time of its own, so a
    generator that does not answer is a server that is away.
    """
    if any(key.node.startswith("generator") for key, _ in run.lost):
        return "world", state["error"]
    models, tools = _spent(run)
    if tools >= budget / 2:
        return "policy", ""
    told = f"out of time: of {budget:.3g} s, {models:.3g} s were spent waiting for models"
    if (rest := budget - models - tools) > models:
        told += f" and {rest:.3g} s for a turn on this machine: is it busy with something else?"
    return "world", f"{told}: {state['error']}" if state["error"] else told


def _spent(run: RunRecord) -> tuple[float, float]:
    """Seconds that a run waited for models, and that its tools ran, without models of theirs."""
    models = tools = 0.0
    of_tools = {key.node for key, answer in run.calls if "status" in answer}
    asked = [(key, answer["seconds"]) for key, answer in run.calls if "finish_reason" in answer]
    for key, seconds in [*asked, *run.lost]:
        models += seconds
        tools -= seconds * (key.node.partition(".")[0] in of_tools)
    tools += sum(answer["seconds"] for _, answer in run.calls if "status" in answer)
    return models, tools


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

"""Verifier: is the memory enough, or does the planner go on? Then the budgets have their say.

By rule: `sufficient` stops once the memory holds what the question asks for, `stated` once the
planner stated an answer. Any other setting names a model that judges the memory. A verdict that
cannot be read means "go on".
"""

from typing import Any, Literal

from agentflow_graph.context import STATED
from agentflow_graph.errors import AgentFlowError
from agentflow_graph.models.providers.money import known_part
from agentflow_graph.nodes.parts.rules import extract, stated
from agentflow_graph.nodes.run import NodeRun, Update, failure
from agentflow_graph.prompts import texts
from agentflow_graph.replies.verdict import parse_verdict
from agentflow_graph.state import State, StoppedBy, Turn, Verdict

VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"complete": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["complete", "reason"],
}


async def verifier(run: NodeRun) -> Update:
    """The turn's verdict, and what stops the run, if anything does."""
    if run.state["stopped_by"]:
        return {}
    update: Update = {}
    try:
        verdict = await _judge(run)
    except AgentFlowError as error:
        verdict, update = Verdict(complete=False, reason=f"no verdict: {error}"), failure(error)
    seconds = run.seconds()
    update = {"stopped_by": _stop(run, verdict, seconds)} | update
    run.note("verdict", **verdict, stopped_by=update["stopped_by"], seconds=seconds)
    turn = Turn(index=run.turns[-1]["index"], verdict=verdict)
    return {"turns": [turn], "seconds": seconds} | update


async def _judge(run: NodeRun) -> Verdict:
    question = run.state["question"]
    if "verifier" in run.resources.models:
        messages = texts.verifier(run.question, run.state["analysis"], run.memory())
        return await run.ask("verifier", messages, parse_verdict, schema=VERDICT)
    if run.context.verifier == STATED:
        found = stated(run.turns) is not None
        return Verdict(complete=found, reason="an answer is stated" if found else "none is stated")
    if extract(question, run.turns) is None:
        return Verdict(complete=False, reason="no result of the kind asked for yet")
    return Verdict(complete=True, reason="the memory holds a result of the kind asked for")


def _stop(run: NodeRun, verdict: Verdict, seconds: float) -> StoppedBy:
    if verdict["complete"]:
        return "verifier"
    if len(run.turns) >= run.context.max_turns:
        return "turns"
    if seconds >= run.context.max_seconds:
        return "seconds"
    tokens = sum(spent["input_tokens"] + spent["output_tokens"] for spent in run.usage.values())
    if 0 < run.context.max_tokens <= tokens:
        return "tokens"
    limit = run.context.max_money
    return "money" if limit and known_part(run.money()) >= limit else ""


async def route(state: State) -> Literal["planner", "generator"]:
    """The edge after the verifier: on to another turn, or to the answer."""
    return "generator" if state["stopped_by"] else "planner"

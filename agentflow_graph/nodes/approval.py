"""Approval: a person decides on the tool call that was proposed, before it has any effect.

A node of its own, so that what was shown is in the state, and nothing but the question is asked
again when a thread is resumed. It is entered only for tools that `approve` names.
"""

from typing import Any

from langchain_core.tools import BaseTool
from langgraph.config import get_config
from langgraph.types import interrupt
from pydantic import BaseModel, ValidationError

from agentflow_graph.errors import SettingError, closest
from agentflow_graph.nodes.run import NodeRun, Update
from agentflow_graph.replies.decision import KINDS, Decision, read_decision
from agentflow_graph.state import Proposal, Turn

MANNERS = "answer approve, edit, reject or respond, or yes or no"


async def approval(run: NodeRun) -> Update:
    """What a person decided on the turn's proposed call."""
    turn = run.turns[-1]
    _check_that_somebody_is_there(run)
    proposal, note = turn["proposal"], ""
    while proposal["status"] == "waiting":
        answer = run.decide(_request(run, proposal, note), interrupt)
        proposal, note = _decided(run, proposal, answer)
    return {"turns": [Turn(index=turn["index"], proposal=proposal)]}


def _check_that_somebody_is_there(run: NodeRun) -> None:
    record = run.scope.run
    if (record and record.replayed) or get_config()["configurable"].get("__pregel_checkpointer"):
        return
    raise SettingError(
        f"approve={run.context.approve!r}: there is nobody to ask here, for a run that waits must "
        "be kept; give the graph a checkpointer (`graph.checkpointer = InMemorySaver()`) and a "
        "thread_id, or leave approve out"
    )


def _request(run: NodeRun, proposal: Proposal, note: str) -> dict[str, Any]:
    """In the shape of LangChain's HITLRequest."""
    goal = run.turns[-1]["sub_goal"]
    action = {
        "name": proposal["tool"],
        "args": proposal["arguments"],
        "description": f"{note}\n\n{goal}" if note else goal,
    }
    review = {"action_name": proposal["tool"], "allowed_decisions": list(KINDS)}
    return {"action_requests": [action], "review_configs": [review]}


def _decided(run: NodeRun, proposal: Proposal, answer: Any) -> tuple[Proposal, str]:
    """The proposal after an answer, and what to say if it still waits."""
    decision = read_decision(answer)
    if decision is None:
        return proposal, f"{str(answer)[:200]!r} was not understood: {MANNERS}."
    match decision.kind:
        case "approve":
            return {**proposal, "status": "approved"}, ""
        case "reject":
            return {**proposal, "status": "refused", "message": decision.message}, ""
        case "respond":
            return {**proposal, "status": "answered", "message": decision.message}, ""
        case "edit":
            return _edited(run, proposal, decision)


def _edited(run: NodeRun, proposal: Proposal, decision: Decision) -> tuple[Proposal, str]:
    name, tools = decision.tool or proposal["tool"], run.resources.tools
    if name not in tools:
        return proposal, f"There is no tool {name!r}{closest(name, tools)}."
    if fault := _misfit(tools[name], decision.arguments):
        return proposal, f"The arguments do not fit {name}: {fault}."
    edited = Proposal(tool=name, arguments=decision.arguments, status="approved", message="")
    if name != proposal["tool"] and name in run.resources.to_approve:
        return {**edited, "status": "waiting"}, f"{name} needs an approval of its own."
    return edited, ""


def _misfit(tool: BaseTool, arguments: dict[str, Any]) -> str:
    """Why the tool cannot take the arguments; empty if it can, as far as its schema tells."""
    schema = tool.tool_call_schema
    if isinstance(schema, dict):
        missing = [one for one in schema.get("required", []) if one not in arguments]
        return f"{', '.join(missing)} is missing" if missing else ""
    try:
        if issubclass(schema, BaseModel):
            schema.model_validate(arguments)
    except ValidationError as fault:
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors())
    return ""

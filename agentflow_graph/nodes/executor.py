"""Executor: turns the plan into one tool call and makes it.

Two forms: `direct` passes the planner's context to a tool that takes one string; any other setting
names a model that fills in the tool's arguments. Arguments are checked against the tool's schema;
nothing a model wrote is ever run here. Every fault of a tool becomes the call's result.
"""

from typing import Any, Literal, cast

from langchain_core.tools import BaseTool

from agentflow_graph.errors import AgentFlowError, ReplyError, closest
from agentflow_graph.nodes.parts.call import streaming
from agentflow_graph.nodes.parts.use import use
from agentflow_graph.nodes.run import NodeRun, Update, failure
from agentflow_graph.prompts import texts
from agentflow_graph.prompts.progress import Called
from agentflow_graph.record.events import Answer
from agentflow_graph.record.run import Scope, on_behalf_of
from agentflow_graph.replies.json import arguments_for
from agentflow_graph.state import Proposal, State, ToolCall, Turn, merge_usage

CHARGE = {"calls": 1, "input_tokens": 0, "output_tokens": 0, "seconds": 0.0}
"""Of a service that is paid by the call."""


async def executor(run: NodeRun) -> Update:
    """The turn's tool call, or the reason why none was made."""
    if run.state["stopped_by"]:
        return {}
    turn = run.turns[-1]
    index, update = turn["index"], Update()
    try:
        done = await _carried_out(run, turn)
    except AgentFlowError as error:
        done, update = _not_made(turn, str(error)), failure(error)
    if done["status"] == "waiting":
        return update | {"turns": [Turn(index=index, proposal=done)]}
    call = cast(ToolCall, done)
    return update | {"turns": [Turn(index=index, calls=[call])]}


async def after_executor(state: State) -> Literal["approval", "verifier"]:
    """The edge after the executor: a person decides, or the call is made."""
    if state["stopped_by"]:
        return "verifier"
    turn = state["turns"][-1]
    waits = "proposal" in turn and turn["proposal"]["status"] == "waiting"
    return "approval" if waits else "verifier"


async def _carried_out(run: NodeRun, turn: Turn) -> ToolCall | Proposal:
    if turn["error"]:
        return _not_made(turn, turn["error"])
    if "proposal" in turn:
        return await _as_decided(run, turn, turn["proposal"])
    tool = _tool(run, turn["tool"])
    arguments = await _arguments(run, turn, tool)
    if tool.name in run.resources.to_approve:
        return Proposal(tool=tool.name, arguments=arguments, status="waiting", message="")
    return await _recorded(run, tool, arguments)


def _tool(run: NodeRun, name: str) -> BaseTool:
    """Raises ReplyError for a name that an edit of the state brought in."""
    tools = run.resources.tools
    if name not in tools:
        raise ReplyError(
            f"there is no tool {name!r}{closest(name, tools)}; there are {', '.join(tools)}"
        )
    return tools[name]


async def _arguments(run: NodeRun, turn: Turn, tool: BaseTool) -> dict[str, Any]:
    schema = run.resources.schemas[tool.name]
    if "executor" not in run.resources.models:
        return {_only_text(tool.name, schema): turn["context"]}
    messages = texts.executor(run.question, turn, tool.description, schema)
    return await run.ask("executor", messages, arguments_for(schema), schema=schema)


async def _as_decided(run: NodeRun, turn: Turn, proposal: Proposal) -> ToolCall:
    tool, arguments = proposal["tool"], proposal["arguments"]
    if proposal["status"] == "approved":
        return await _recorded(run, _tool(run, tool), arguments)
    call = ToolCall(tool=tool, arguments=arguments, status="ok", result="", seconds=0.0)
    if proposal["status"] == "answered":
        return {**call, "result": proposal["message"], "data": {"answered_by": "a person"}}
    why = proposal["message"] or "no reason was given"
    refusal = f"a person refused this call ({why}); plan another step"
    return {**call, "status": "error", "result": refusal}


async def _recorded(run: NodeRun, tool: BaseTool, arguments: dict[str, Any]) -> ToolCall:
    seconds, images = min(run.context.tool_seconds, run.seconds_left()), run.state["images"]
    run.tell(Called(type="called", turn=run.scope.turn, tool=tool.name, arguments=arguments))

    async def ask() -> Answer:
        with on_behalf_of(Scope(run.scope.run, run.scope.turn, tool.name, images)) as scope:
            how = streaming(run.context, tool.name, run.scope.turn)
            how["metadata"] = {**how["metadata"], "failed_calls": _failed(run, tool)}
            call = await use(tool, arguments, seconds, f"turn-{run.scope.turn}", how)
        told = {name: value for name, value in call.items() if name not in ("tool", "arguments")}
        return told | ({"spent": dict(scope.spent)} if scope.spent else {})

    request = {"tool": tool.name, "arguments": arguments}
    answer = dict(await run.scope.call(tool.name, lambda: request, ask))
    if spent := answer.pop("spent", None):  # by the tool's own models
        run.usage = merge_usage(run.usage, {f"{tool.name}.model": spent})
    if service := answer.get("data", {}).get("charged"):
        run.usage = merge_usage(run.usage, {f"{tool.name}.{service}": CHARGE})
    return cast(ToolCall, {"tool": tool.name, "arguments": arguments, **answer})


def _only_text(tool: str, schema: dict[str, Any]) -> str:
    """The one argument that a text can fill: the only required one, or the only one at all."""
    names = schema.get("required") or list(schema.get("properties", {}))
    if len(names) == 1:
        kind = schema["properties"][names[0]]
        if "string" in [
            kind.get("type"),
            *(option.get("type") for option in kind.get("anyOf", [])),
        ]:
            return str(names[0])
    raise ReplyError(
        f"the direct executor fills in one text, {tool} needs ({', '.join(names) or 'nothing'}); "
        "set executor to a model"
    )


def _failed(run: NodeRun, tool: BaseTool) -> int:
    calls = (call for turn in run.turns for call in turn["calls"] if call["tool"] == tool.name)
    return sum(call["status"] != "ok" for call in calls)


def _not_made(turn: Turn, reason: str) -> ToolCall:
    tool = turn.get("tool", "")
    return ToolCall(tool=tool, arguments={}, status="error", result=reason, seconds=0.0)

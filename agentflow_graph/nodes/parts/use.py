"""One call of a tool: however it goes, it ends in time and becomes a record."""

import time
from functools import partial
from typing import Any, get_args

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.errors import GraphBubbleUp
from pydantic import ValidationError

from agentflow_graph.errors.outside import hidden_in
from agentflow_graph.errors.threads import threads, too_many_lost
from agentflow_graph.nodes.parts.patience import Late, Same, within
from agentflow_graph.nodes.parts.screen import screened
from agentflow_graph.prompts.memory import shorten
from agentflow_graph.state import Status, ToolCall

LONGEST_RESULT = 20_000  # characters of a result that the memory keeps
LONGEST_FACT = 2_000  # characters of each text beside it
MOST_LOST = 16
"""Calls of one tool that were given up and still run, at most."""
_CALLS = threads("agentflow-tool", at_once=32, most_lost=MOST_LOST)
_IN_EXECUTOR = (BaseTool._arun, StructuredTool._arun, Tool._arun)


async def use(
    tool: BaseTool,
    arguments: dict[str, Any],
    seconds: float,
    name: str,
    how: RunnableConfig | None = None,
) -> ToolCall:
    """Call `tool` within `seconds`; whatever happens becomes a record."""
    request = {"type": "tool_call", "id": name, "name": tool.name, "args": arguments}
    begun = time.perf_counter()
    status: Status
    data: dict[str, Any] = {}
    try:
        found = _read(await within(seconds, _message(tool, request, how)))
        status, text, data = screened(tool.name, *found)
    except GraphBubbleUp:  # a tool that asks a human itself
        raise
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        status, text = "error", f"the arguments do not fit {tool.name}: {faults}"
    except Late as error:
        status, text = "timeout", str(error)
    except too_many_lost() as error:
        status, text = "unavailable", f"{tool.name} is {error}"
    except Exception as error:  # a tool may raise anything; the planner reads it and goes on
        status, text = "error", f"{type(error).__name__}: {error}"
    call = ToolCall(
        tool=tool.name,
        arguments=arguments,
        status=status,
        result=_truncate(text, LONGEST_RESULT),
        seconds=time.perf_counter() - begun,
    )
    if facts := _facts(data):
        call["data"] = facts
    return call


async def _message(
    tool: BaseTool, request: dict[str, Any], how: RunnableConfig | None
) -> ToolMessage:
    if not _blocks(tool):
        found: ToolMessage = await tool.ainvoke(request, how)
        return found
    # By itself, not by its name: another tool of that name may be sound.
    return await _CALLS().run(Same(tool), partial(tool.invoke, request, how))


def _blocks(tool: BaseTool) -> bool:
    """Whether LangChain would call it in asyncio's own threads, which some that hang fill up."""
    if type(tool)._arun not in _IN_EXECUTOR:
        return False
    return not (isinstance(tool, Tool | StructuredTool) and tool.coroutine)


def _read(message: ToolMessage) -> tuple[Status, str, dict[str, Any]]:
    """Status, text and data; a tool that says more than success or error has an artifact."""
    artifact = message.artifact
    if isinstance(artifact, dict) and artifact.get("status") in get_args(Status):
        return artifact["status"], str(artifact["text"]), artifact.get("data", {})
    return ("error" if message.status == "error" else "ok"), str(message.text), {}


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    """What the memory keeps of a tool's data: texts, shortened, and other single values."""
    texts = {
        name: _truncate(one, LONGEST_FACT) for name, one in data.items() if isinstance(one, str)
    }
    others = {name: one for name, one in data.items() if isinstance(one, int | float)}
    return texts | others


def _truncate(text: str, limit: int) -> str:
    return shorten(hidden_in(text), limit).encode(errors="replace").decode()
